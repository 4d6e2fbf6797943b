"""The TFMA configuration: what is measured, on which slices, and what blesses a model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import tensorflow_model_analysis as tfma

from components.evaluator.macro import MACRO_F1, MACRO_PRECISION, MACRO_RECALL, MacroAverage
from components.evaluator.results import ACCURACY, CONFUSION, TOP_K
from components.features import LABEL, LABEL_INDEX


def eval_config(
    classes: int, columns: Iterable[str], gated: Iterable[tuple[str, str]], gate: dict[str, Any]
) -> tfma.EvalConfig:
    """Build the configuration.

    Args:
        classes: number of classes.
        columns: slice columns besides the label.
        gated: (column, value) of the slices that are large enough to be held to a threshold.
        gate: the section `gate` of params.yaml.

    Returns:
        One candidate and one baseline model, judged on raw examples through their own signatures.
    """
    keys: dict[str, Any] = {
        "signature_name": "serving_default",
        "prediction_key": "probabilities",
        "label_key": LABEL_INDEX,
        "preprocessing_function_names": ["transform_features"],
    }
    bounds = {LABEL: gate["min_class_recall"]}  # the accuracy within a class is that class's recall
    overall = tfma.PerSliceMetricThreshold(
        slicing_specs=[tfma.SlicingSpec()],
        threshold=tfma.MetricThreshold(
            value_threshold=_at_least(gate["min_accuracy"]),
            change_threshold=tfma.GenericChangeThreshold(
                direction=tfma.MetricDirection.HIGHER_IS_BETTER,
                absolute={"value": -gate["max_accuracy_drop"]},
            ),
        ),
    )
    slices = [
        tfma.PerSliceMetricThreshold(
            slicing_specs=[tfma.SlicingSpec(feature_values={column: value})],
            threshold=tfma.MetricThreshold(
                value_threshold=_at_least(bounds.get(column, gate["min_slice_accuracy"]))
            ),
        )
        for column, value in gated
    ]
    accuracy = tfma.MetricConfig(
        class_name="SparseCategoricalAccuracy",
        config=json.dumps({"name": ACCURACY}),
        per_slice_thresholds=[overall, *slices],
    )
    top_k = tfma.MetricConfig(
        class_name="SparseTopKCategoricalAccuracy",
        config=json.dumps({"name": TOP_K, "k": min(3, classes)}),
    )
    confusion = tfma.MetricConfig(
        class_name="MultiClassConfusionMatrixAtThresholds",
        config=json.dumps({"name": CONFUSION, "thresholds": [0.0]}),
    )
    macro = [
        tfma.MetricConfig(
            class_name="MacroAverage", module=MacroAverage.__module__, config=json.dumps({"name": name})
        )
        for name in (MACRO_PRECISION, MACRO_RECALL, MACRO_F1)
    ]
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(name="candidate", **keys),
            tfma.ModelSpec(name="baseline", is_baseline=True, **keys),
        ],
        slicing_specs=[tfma.SlicingSpec()]
        + [tfma.SlicingSpec(feature_keys=[column]) for column in (LABEL, *columns)],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[tfma.MetricConfig(class_name="ExampleCount"), accuracy, top_k, *macro, confusion]
            )
        ],
    )


def _at_least(bound: float) -> tfma.GenericValueThreshold:
    return tfma.GenericValueThreshold(lower_bound={"value": bound})
