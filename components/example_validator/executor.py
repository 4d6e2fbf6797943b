"""Validates statistics against the schema, and stops where they disagree."""

from __future__ import annotations

from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.example_validator import executor

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import LABEL

_FINE = (  # but for the label
    anomalies_pb2.AnomalyInfo.ENUM_TYPE_UNEXPECTED_STRING_VALUES,
    anomalies_pb2.AnomalyInfo.BOOL_TYPE_UNEXPECTED_STRING,
    anomalies_pb2.AnomalyInfo.SCHEMA_NEW_COLUMN,
)


class Executor(executor.Executor):
    """TFX's executor; the component is not published as done while there are anomalies."""

    def _Validate(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> anomalies_pb2.Anomalies:
        anomalies = super()._Validate(inputs, outputs)
        told = describe(anomalies)
        if told:
            raise HeadstartError(
                f"The images do not fit the schema of the accepted ones: {'; '.join(told)}. Correct the "
                "class folders or metadata.csv, or run `headstart data accept` if the images are right."
            )
        return anomalies


def describe(anomalies: anomalies_pb2.Anomalies) -> list[str]:
    """One phrase an anomaly: the feature, and what is wrong with it.

    A new value is an anomaly of the label alone: paths are all new, and a slice column may well have a
    value that no training image has. Nor is a new slice column one.
    """
    told = [
        f"{name}: {info.description.rstrip('. ') or info.short_description}"
        for name, info in sorted(anomalies.anomaly_info.items())
        if name == LABEL or any(reason.type not in _FINE for reason in info.reason)
    ]
    if anomalies.HasField("dataset_anomaly_info"):
        told.append(anomalies.dataset_anomaly_info.description.rstrip(". "))
    return told
