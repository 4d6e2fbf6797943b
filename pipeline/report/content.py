"""What the report is made from, as plain values, and the words that its text and its pictures share."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from headstart.components.shared.strategies import STRATEGIES
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.results.cross_validation import CrossValidation
from headstart.pipeline.results.forecast import Forecast
from headstart.pipeline.verdict.findings import SCRATCH, Verdict

_NAMES = {
    **{one.name: one.legend for one in STRATEGIES},
    "pixels_logistic": "logistic, pixels",
    "pixels_svm": "SVM, pixels",
    "embeddings_logistic": "logistic, embeddings",
    "random_embeddings_logistic": "logistic, random base",
}


_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Study:
    """Everything that the page shows."""

    dataset: str
    base: str  # "MobileNetV2, imagenet, 224 px"
    verdict: Verdict
    cells: list[Cell]
    classes: list[str]
    test_images: int
    train_images: int
    # {"base": {…, "sentence": …}, "ranking": [{base, ridge, logme, as_good_as_first}]}
    relatedness: dict[str, Any] | None
    failures: list[str]  # sentences: cells that failed
    gate_failures: list[str]  # sentences: thresholds of the gate that were missed
    slices: dict[str, dict[str, str]]  # by test image: its value in each column
    folder: Path  # the data folder
    made: str  # ISO time
    command: str  # that made the study
    cross_validation: CrossValidation | None = None
    forecasts: list[Forecast] = field(default_factory=list)  # of a `headstart plan` on these images

    def compared(self) -> tuple[Cell | None, Cell | None]:
        """The judged strategy and scratch on the largest subset that both have, in the same draw.

        Where they share none, the judged strategy's largest cell alone, or scratch's; either may be absent.
        """
        judged = {
            (c.fraction, -c.draw): c
            for c in self.cells
            if c.strategy == self.verdict.strategy and c.predictions
        }
        scratch = {(c.fraction, -c.draw): c for c in self.cells if c.strategy == SCRATCH and c.predictions}
        if shared := judged.keys() & scratch.keys():
            return judged[max(shared)], scratch[max(shared)]
        if judged:
            return judged[max(judged)], None
        return None, scratch[max(scratch)] if scratch else None


def strategy_name(strategy: str) -> str:
    """A strategy as people read it: `fine-tune`."""
    return _NAMES.get(strategy, strategy.replace("_", " "))


def subset_name(fraction: float) -> str:
    """A subset as people read it: `10 %`."""
    return f"{100 * fraction:.3g}\N{NO-BREAK SPACE}%"


def legible(name: str, longest: int = 0) -> str:
    """A user's text without characters that no page may hold, cut to `longest` of them if that is given."""
    name = "".join(" " if c in "\t\n\r" else _UNKNOWN if _forbidden(c) else c for c in name)
    return name if not longest or len(name) <= longest else name[: longest - 1] + "…"


def _forbidden(character: str) -> bool:
    """Whether XML has no place for it: controls, halves of surrogate pairs, two noncharacters."""
    return unicodedata.category(character) in ("Cc", "Cs") or character in "\ufffe\uffff"
