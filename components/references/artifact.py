"""The references' answers as an artifact that ML Metadata knows."""

from __future__ import annotations

from tfx.types.artifact import Artifact


class Predictions(Artifact):
    """A folder a cell, `<reference>.<subset>.<draw>`, with `predictions.csv` and `figures.json`."""

    TYPE_NAME = "Predictions"
