"""What cross-validation of the strategy frozen tells: is it overfitting, is the base a good start?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.special import stdtr

from headstart.pipeline.verdict.words import count, p_value, percent, points

_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class CrossValidation:
    """The figures of `components.cross_validation.figures`, and the file with the predictions."""

    figures: dict[str, Any]
    predictions: Path  # out_of_fold.csv

    @property
    def made(self) -> bool:
        """Whether any fold could be made."""
        return bool(self.figures["folds"])

    def sentences(self, max_gap: float) -> tuple[str, ...]:
        """All that can be told; nothing where no fold could be made.

        Args:
            max_gap: training less held-out accuracy from which on it is overfitting, 0…1.
        """
        return tuple(one for one in (self.overfitting(max_gap), self.base()) if one)

    def overfitting(self, max_gap: float) -> str:
        """Whether the gap is beyond the limit, by more than a standard error of the folds."""
        gap = self.figures["gap"]
        if gap is None or gap["standard_error"] is None:
            return ""
        mean, error = gap["mean"], gap["standard_error"]
        answer = "The frozen strategy shows no sign of overfitting"
        if mean - error > max_gap:
            answer = "The frozen strategy is overfitting"
        elif mean + error > max_gap:
            answer = "It is undecided whether the frozen strategy is overfitting"
        return (
            f"{answer}: accuracy is {points(mean)} ± {points(error)} points higher on "
            f"training images than on held-out ones (limit {points(max_gap)}; {self._folds()})."
        )

    def base(self) -> str:
        """Whether the base is better than random weights, paired by fold.

        The test is the corrected resampled t-test, because the folds' training images overlap (Nadeau and
        Bengio 2003, doi:10.1023/A:1024068626366).
        """
        gain = self.figures["gain"]
        if gain is None or gain["standard_error"] is None:
            return ""
        mean, error = gain["mean"], gain["standard_error"]
        folds = self.figures["folds"]
        ratio = sum(one["images"] for one in folds) / sum(one["training_images"] for one in folds)
        corrected = error * math.sqrt(1 + len(folds) * ratio)
        chance = 1.0 if mean == 0 else 0.0
        if corrected > 0:
            chance = float(2 * stdtr(len(folds) - 1, -abs(mean) / corrected))
        verdict = "is not shown to be better or worse than random weights"
        if chance < _SIGNIFICANT:
            verdict = "is a good start" if mean > 0 else "is a bad start"
        random = self.figures["random_accuracy"]
        return (
            f"The base {verdict}: a frozen head on it has an accuracy of "
            f"{_told(self.figures['accuracy'])} on held-out images, one on random weights {_told(random)}. "
            f"The difference is {points(mean)} ± {points(error)} points ({p_value(chance)}; {self._folds()})."
        )

    def _folds(self) -> str:
        kind = "folds by time" if self.figures["by_time"] else "folds"
        images = count(self.figures["images"])
        return f"mean ± standard error over {len(self.figures['folds'])} {kind} of {images} images"


def _told(figure: dict[str, float]) -> str:
    return f"{points(figure['mean'])} ± {percent(figure['standard_error'])}"
