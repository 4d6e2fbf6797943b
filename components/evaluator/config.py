"""The TFMA configuration: what is measured, on which slices, and what blesses a model."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

# From the protos, which both stacks have in one place; `tfma` itself exports some of them on one stack only.
from tensorflow_model_analysis.proto import config_pb2 as proto

from headstart.components.evaluator.macro import MACRO_F1, MACRO_PRECISION, MACRO_RECALL, MacroAverage
from headstart.components.evaluator.results import ACCURACY, CONFUSION, TOP_K
from headstart.components.shared.features import LABEL, LABEL_INDEX

_FLOAT32 = 1e-6


def eval_config(
    classes: int, columns: Iterable[str], gated: Iterable[tuple[str, str]], gate: dict[str, Any], code: str
) -> proto.EvalConfig:
    """Build the configuration.

    Args:
        classes: number of classes.
        columns: slice columns besides the label.
        gated: (column, value) of the slices that are large enough to be held to a threshold.
        gate: the section `gate` of params.yaml.
        code: digest of this component's source: TFX's cache sees the configuration, not the code.

    Returns:
        One model, judged on raw examples through its own signatures.
    """
    keys: dict[str, Any] = {
        "signature_name": "serving_default",
        "prediction_key": "probabilities",
        "label_key": LABEL_INDEX,
        "preprocessing_function_names": ["transform_features"],
    }
    bounds = {LABEL: gate["min_class_recall"]}  # the accuracy within a class is that class's recall
    overall = proto.PerSliceMetricThreshold(
        slicing_specs=[proto.SlicingSpec()],
        threshold=proto.MetricThreshold(
            value_threshold=_at_least(gate["min_accuracy"]),
        ),
    )
    slices = [
        proto.PerSliceMetricThreshold(
            slicing_specs=[proto.SlicingSpec(feature_values={column: value})],
            threshold=proto.MetricThreshold(
                value_threshold=_at_least(bounds.get(column, gate["min_slice_accuracy"]))
            ),
        )
        for column, value in gated
    ]
    accuracy = proto.MetricConfig(
        class_name="SparseCategoricalAccuracy",
        config=json.dumps({"name": ACCURACY}),
        per_slice_thresholds=[overall, *slices],
    )
    top_k = proto.MetricConfig(
        class_name="SparseTopKCategoricalAccuracy",
        config=json.dumps({"name": TOP_K, "k": min(3, classes)}),
    )
    confusion = proto.MetricConfig(
        class_name="MultiClassConfusionMatrixAtThresholds",
        config=json.dumps({"name": CONFUSION, "thresholds": [0.0]}),
    )
    macro = [
        proto.MetricConfig(
            class_name="MacroAverage",
            module=MacroAverage.__module__,
            config=json.dumps({"name": name, "code": code}),
        )
        for name in (MACRO_PRECISION, MACRO_RECALL, MACRO_F1)
    ]
    return proto.EvalConfig(
        model_specs=[proto.ModelSpec(**keys)],
        slicing_specs=[proto.SlicingSpec()]
        + [proto.SlicingSpec(feature_keys=[column]) for column in (LABEL, *columns)],
        metrics_specs=[
            proto.MetricsSpec(
                metrics=[proto.MetricConfig(class_name="ExampleCount"), accuracy, top_k, *macro, confusion]
            )
        ],
    )


def _at_least(bound: float) -> proto.GenericValueThreshold:
    """With room for float32, in which 18 of 20 is a little less than 0.9."""
    return proto.GenericValueThreshold(lower_bound={"value": bound - _FLOAT32})
