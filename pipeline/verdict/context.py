"""What every part of the verdict looks at: cells, thresholds, the arm that is judged and its subset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import median

import numpy as np

from components.evaluator.results import wilson
from pipeline.config import Thresholds
from pipeline.verdict.cells import Cells
from pipeline.verdict.curves import TOLERANCE, reach_between
from pipeline.verdict.findings import SCRATCH, Interval


@dataclass(frozen=True)
class Context:
    """A study under its thresholds; `arm` is the transfer arm that is judged, empty where there is none."""

    cells: Cells
    thresholds: Thresholds
    classes: int
    arm: str

    @property
    def everything(self) -> int:
        """Images of the largest subset."""
        return self.cells.largest

    @cached_property
    def against(self) -> bool:
        """Whether scratch on everything is an opponent: it has a result, and does not guess."""
        return self.cells.has(SCRATCH, self.everything) and not self.guessing

    @cached_property
    def guessing(self) -> bool:
        """Whether scratch on everything is not shown to be better than guessing, by Wilson's interval.

        Of the networks that were trained: what draws differ by on smaller subsets, where one may have
        failed, says nothing of whether these have learnt.
        """
        accuracy = self.cells.accuracy(SCRATCH, self.everything)
        return wilson(accuracy.value, accuracy.images)[0] <= 1 / max(self.classes, 2)

    @cached_property
    def limit(self) -> int:
        """Images that a good arm may use: `max_fraction` of the largest subset, rounded as subsets are."""
        asked = math.floor(self.thresholds.good.max_fraction * self.everything + 0.5)
        return min(self.everything, max(self.classes, asked))

    @cached_property
    def small(self) -> int | None:
        """The arm's largest subset within the limit."""
        return max((n for n in self.cells.subsets(self.arm) if n <= self.limit), default=None)

    @cached_property
    def saving(self) -> int | None:
        """The subset on which the arm saves both images and time for at least scratch's accuracy.

        It is a smaller one, its accuracy is within the margin of scratch on everything and not significantly
        below it, and every draw is faster. `small` is preferred, then the smallest.
        """
        subsets = [n for n in self.cells.subsets(self.arm) if n < self.everything]
        told = [
            n for n in subsets if self.as_good(n) and (saved := self.time_saved(n)) and saved.low > TOLERANCE
        ]
        return self.small if self.small in told else min(told, default=None)

    @cached_property
    def working(self) -> int | None:
        """The subset whose figures are told: that of the saving, else `small`, else the smallest."""
        smallest = min(self.cells.subsets(self.arm), default=None)
        return next((n for n in (self.saving, self.small, smallest) if n is not None), None)

    @cached_property
    def gains(self) -> dict[int, Interval]:
        """The arm's accuracy less that of scratch on everything, by the arm's subset."""
        if not self.against:
            return {}
        return {
            n: self.cells.difference(self.arm, n, SCRATCH, self.everything).interval(
                self.thresholds.confidence
            )
            for n in self.cells.subsets(self.arm)
        }

    def as_good(self, images: int) -> bool:
        """Whether the arm is within the margin of scratch on everything, and not significantly below it."""
        gain = self.gains.get(images)
        return (
            gain is not None and gain.value >= -self.thresholds.margin - TOLERANCE and gain.high >= -TOLERANCE
        )

    @cached_property
    def to_match(self) -> Interval:
        """Images to be as good as scratch on everything, within the margin; unbounded if unknown."""
        if not self.gains:
            return Interval(math.nan, 0.0, math.inf)
        return reach_between(list(self.gains), list(self.gains.values()), -self.thresholds.margin)

    @cached_property
    def to_be_good(self) -> Interval:
        """Images for the accuracy that `good` asks for; unbounded if unknown."""
        subsets = self.cells.subsets(self.arm)
        if not subsets:
            return Interval(math.nan, 0.0, math.inf)
        curve = [self.cells.accuracy(self.arm, n).interval(self.thresholds.confidence) for n in subsets]
        return reach_between(subsets, curve, self.thresholds.good.min_accuracy)

    def time_saved(self, images: int | None, field: str = "seconds") -> Interval | None:
        """Share of the time of scratch on everything that the arm saves on a subset.

        The value is that of the medians; the bounds are the least and the most over all pairs of draws.
        """
        if images is None or not self.against or not self.cells.has(self.arm, images):
            return None
        ours = [getattr(one, field) for one in self.cells.draws(self.arm, images).values()]
        middle = self.cells.median(SCRATCH, self.everything, field)
        if not middle > 0:
            return None
        saved = [1 - one / (middle * spread) for one in ours for spread in self._spread(field)]
        return Interval(1 - median(ours) / middle, min(saved), max(saved))

    def _spread(self, field: str) -> list[float]:
        """What each draw of scratch takes over their median: on everything, else on the next smaller subset.

        Scratch often runs on everything once; its seconds are no less noisy for that.
        """
        for images in reversed(self.cells.subsets(SCRATCH)):
            draws = [getattr(one, field) for one in self.cells.draws(SCRATCH, images).values()]
            if len(draws) > 1 and min(draws) > 0:
                return [one / median(draws) for one in draws]
        return [1.0]


def best_by_validation(cells: Cells) -> str:
    """The transfer strategy with the highest mean validation accuracy over the cells that all have.

    Ties go to the faster. Empty where no transfer strategy has a result.
    """

    def keys(arm: str) -> set[tuple[int, int]]:
        return {(n, draw) for n in cells.subsets(arm) for draw in cells.draws(arm, n)}

    shared = set.intersection(*map(keys, cells.transfer)) if cells.transfer else set()

    def rank(arm: str) -> tuple[float, float]:
        results = [cells.draws(arm, n)[draw] for n, draw in sorted(shared or keys(arm))]
        accuracy = float(np.nanmean([result.val_accuracy for result in results] or [0.0]))
        return round(accuracy, 9), -float(np.sum([result.seconds for result in results]))

    return max(cells.transfer, key=rank, default="")
