"""Macro-averaged precision, recall and F1 as TFMA metrics.

TFMA's own Precision and Recall judge each class against a threshold of 0.5 on its probability, not against
the class that was answered; these come from the multi-class confusion matrix, as scikit-learn's do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tensorflow_model_analysis.metrics import metric_types, metric_util, multi_class_confusion_matrix_metrics

MACRO_PRECISION = "macro_precision"
MACRO_RECALL = "macro_recall"
MACRO_F1 = "macro_f1"


def macro(counts: Mapping[tuple[int, int], float]) -> dict[str, float]:
    """Unweighted means over the classes that occur, as an answer or as a truth.

    Args:
        counts: number of images by (actual class, predicted class).

    Returns:
        `macro_precision`, `macro_recall`, `macro_f1` in 0…1. A class that was never predicted has precision
        0, one that never occurs has recall 0, as in `sklearn.metrics` with `zero_division=0`.
    """
    classes = {index for pair in counts for index in pair}
    scores = []
    for index in classes:
        hits = counts.get((index, index), 0.0)
        predicted = sum(count for (_, answer), count in counts.items() if answer == index)
        actual = sum(count for (truth, _), count in counts.items() if truth == index)
        scores.append(
            (
                hits / predicted if predicted else 0.0,
                hits / actual if actual else 0.0,
                2.0 * hits / (predicted + actual),
            )
        )
    means = [sum(column) / len(scores) for column in zip(*scores)]
    return dict(zip((MACRO_PRECISION, MACRO_RECALL, MACRO_F1), means))


class MacroAverage(metric_types.Metric):
    """One of `macro_precision`, `macro_recall`, `macro_f1`, by its name."""

    def __init__(self, name: str = MACRO_F1, code: str = ""):
        """Declare the metric; `name` says which of the three, `code` is there for TFX's cache to see."""
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name, code=code)


def _computations(
    name: str = MACRO_F1,
    code: str = "",
    eval_config: Any = None,
    model_name: str = "",
    output_name: str = "",
    example_weighted: bool = False,
) -> metric_types.MetricComputations:
    computations = multi_class_confusion_matrix_metrics.multi_class_confusion_matrices(
        eval_config=eval_config,
        model_name=model_name,
        output_name=output_name,
        example_weighted=example_weighted,
    )
    matrices = computations[-1].keys[-1]
    key = metric_types.MetricKey(
        name=name, model_name=model_name, output_name=output_name, example_weighted=example_weighted
    )

    def result(metrics: dict[metric_types.MetricKey, Any]) -> dict[metric_types.MetricKey, float]:
        (counts,) = metrics[matrices].values()
        pairs = {(k.actual_class_id, k.predicted_class_id): count for k, count in counts.items()}
        return {key: macro(pairs)[name]}

    return [*computations, metric_types.DerivedMetricComputation(keys=[key], result=result)]


metric_types.register_metric(MacroAverage)
