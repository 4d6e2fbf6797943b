"""The report of related-ness as an artifact that ML Metadata knows."""

from __future__ import annotations

from tfx.types.artifact import Artifact


class RelatednessReport(Artifact):
    """A folder with `relatedness.json`; see `components.relatedness.report`."""

    TYPE_NAME = "RelatednessReport"
