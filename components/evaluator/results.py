"""What the Evaluator found, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.components.shared.statistics import wilson

ACCURACY = "accuracy"
TOP_K = "top_k_accuracy"
CONFUSION = "confusion_matrix"


@dataclass(frozen=True)
class SliceMetrics:
    """One slice; `column` and `value` are empty for the whole split.

    `metrics` holds accuracy, top_k_accuracy and the macro averages, in 0…1; `low` and `high` are the
    accuracy's 95 % Wilson interval.
    """

    column: str
    value: str
    images: int
    metrics: dict[str, float]
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """A candidate's evaluation.

    `confusion` counts images by (actual class, predicted class), both as indices; `failures` are sentences,
    one for each threshold that was missed.
    """

    overall: SliceMetrics
    slices: list[SliceMetrics]
    confusion: dict[tuple[int, int], int]
    failures: list[str]


def read(folder: Path) -> Evaluation:
    """Read an evaluation artifact that was made with `config.eval_config`."""
    import tensorflow_model_analysis as tfma

    found = tfma.load_eval_result(str(folder))
    slices = sorted(
        (_slice(key, values) for key, values in found.slicing_metrics), key=lambda s: (s.column, s.value)
    )
    (overall,) = [one for one in slices if not one.column]
    whole = next(_metrics(values) for key, values in found.slicing_metrics if not key)
    return Evaluation(
        overall=overall,
        slices=[one for one in slices if one.column],
        confusion=_confusion(whole),
        failures=_failures(tfma.load_validation_result(str(folder))),
    )


def slices_of(folder: Path, model: str) -> list[SliceMetrics]:
    """Every slice of one of the models that were evaluated into a folder, the whole split among them."""
    import tensorflow_model_analysis as tfma

    found = tfma.load_eval_result(str(folder), model_name=model)
    return [_slice(key, values) for key, values in found.slicing_metrics]


def _metrics(values: dict[str, Any]) -> dict[str, Any]:
    return values[""][""]


def _number(value: dict[str, Any]) -> float:
    return float(value["doubleValue"])


def _slice(key: tuple[Any, ...], values: dict[str, Any]) -> SliceMetrics:
    column, value = key[0] if key else ("", "")
    metrics = {
        name: _number(metric)
        for name, metric in _metrics(values).items()
        if "doubleValue" in metric and not name.endswith("_diff")  # against the baseline; `failures` tells
    }
    images = int(metrics.pop("example_count"))
    # TFMA answers in float32; the exact quotient compares with one that was counted elsewhere.
    metrics[ACCURACY] = round(metrics[ACCURACY] * images) / images
    low, high = wilson(metrics[ACCURACY], images)
    return SliceMetrics(str(column), _text(value), images, metrics, low, high)


def _confusion(metrics: dict[str, Any]) -> dict[tuple[int, int], int]:
    (matrix,) = metrics[CONFUSION]["multiClassConfusionMatrixAtThresholds"]["matrices"]
    return {
        (entry.get("actualClassId", 0), entry.get("predictedClassId", 0)): round(entry["numWeightedExamples"])
        for entry in matrix["entries"]
    }


def _failures(result: Any) -> list[str]:
    told = []
    for one in sorted(result.metric_validations_per_slice, key=lambda one: str(one.slice_key)):
        where = ", ".join(f"{k.column} {_text(k.bytes_value)}" for k in one.slice_key.single_slice_keys)
        for failure in one.failures:
            value = failure.metric_value.double_value.value
            name = failure.metric_key.name + (f" on {where}" if where else "")
            bound = failure.metric_threshold.value_threshold.lower_bound.value
            told.append(f"{name} is {value:.3f}, {bound:.3f} is asked")
    told += [f"slice {missing} has no images" for missing in result.missing_slices]
    return told


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
