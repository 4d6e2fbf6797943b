"""Two models' answers on the same images, compared by TFMA: overall and on slices."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tensorflow_model_analysis.proto import config_pb2 as proto

from headstart.components.evaluator.results import ACCURACY, SliceMetrics, slices_of
from headstart.components.shared.features import LABEL

# Names of columns of the table, beside the user's, which have no space.
_MODELS = ("baseline label", "candidate label")
_TRUTH = "label index"


@dataclass(frozen=True)
class Pair:
    """One slice; `column` and `value` are empty for all images. Accuracies are in 0…1."""

    column: str
    value: str
    images: int
    baseline: float
    candidate: float


def compare(
    rows: Sequence[dict[str, str]], columns: Sequence[str], baseline: Sequence[str], candidate: Sequence[str]
) -> list[Pair]:
    """Compare labels that two models gave; each may know classes that the other does not.

    Args:
        rows: of the images, with `label` and the slice columns.
        columns: slice columns besides the label.
        baseline: the first model's label of each image.
        candidate: the second model's.

    Returns:
        All images first, then each slice.
    """
    import numpy as np
    import pandas as pd
    import tensorflow_model_analysis as tfma

    truth = [row[LABEL] for row in rows]
    index = {label: number for number, label in enumerate(sorted({*truth, *baseline, *candidate}))}
    frame = pd.DataFrame({column: [row[column] for row in rows] for column in (LABEL, *columns)})
    frame[_TRUTH] = [index[label] for label in truth]
    one_hot = np.eye(len(index), dtype=np.float32)
    for name, answers in zip(_MODELS, (baseline, candidate)):
        frame[name] = [one_hot[index[answer]] for answer in answers]
    with tempfile.TemporaryDirectory() as folder:
        tfma.analyze_raw_data(frame, _config(columns), output_path=folder)
        first, second = ({_key(one): one for one in slices_of(Path(folder), name)} for name in _MODELS)
    return [
        Pair(*key, before.images, before.metrics[ACCURACY], second[key].metrics[ACCURACY])
        for key, before in sorted(first.items())
    ]


def _key(one: SliceMetrics) -> tuple[str, str]:
    return one.column, one.value


def _config(columns: Sequence[str]) -> proto.EvalConfig:
    accuracy = proto.MetricConfig(
        class_name="SparseCategoricalAccuracy", config=json.dumps({"name": ACCURACY})
    )
    metrics = proto.MetricsSpec(metrics=[proto.MetricConfig(class_name="ExampleCount"), accuracy])
    return proto.EvalConfig(
        model_specs=[
            proto.ModelSpec(name=name, is_baseline=name == _MODELS[0], prediction_key=name, label_key=_TRUTH)
            for name in _MODELS
        ],
        slicing_specs=[proto.SlicingSpec()]
        + [proto.SlicingSpec(feature_keys=[column]) for column in (LABEL, *columns)],
        metrics_specs=[metrics],
    )
