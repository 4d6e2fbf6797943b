"""What a whole study found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headstart.components.evaluator.results import Evaluation
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.results.cross_validation import CrossValidation
from headstart.pipeline.verdict.findings import Verdict


@dataclass(frozen=True)
class StudyResults:
    """Cells, the candidate with its evaluation, the verdict."""

    cells: list[Cell]  # those that train, then the references; failed ones are not among them
    failures: dict[str, str]  # by name of the cell
    candidate: Cell  # the best on the validation split of those that could be promoted
    evaluation: Evaluation  # the candidate's, on slices
    relatedness: dict[str, Any]
    verdict: Verdict
    labels: list[str]
    cross_validation: CrossValidation | None = None  # None where the study ran before there was one
