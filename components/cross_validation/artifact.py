"""What cross-validation leaves, as an artifact that ML Metadata knows."""

from __future__ import annotations

from tfx.types.artifact import Artifact


class OutOfFold(Artifact):
    """A folder with `out_of_fold.csv` and `figures.json`; see `components.cross_validation.figures`."""

    TYPE_NAME = "OutOfFold"
