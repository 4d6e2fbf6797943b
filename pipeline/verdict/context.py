"""What every part of the verdict looks at: cells, thresholds, the strategy that is judged and its subset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from headstart.pipeline.config.decisions import Thresholds
from headstart.pipeline.verdict.cells import Cells
from headstart.pipeline.verdict.curves import TOLERANCE, reach_between
from headstart.pipeline.verdict.findings import SCRATCH, Interval, Saving
from headstart.pipeline.verdict.statistics import accuracy


@dataclass(frozen=True)
class Context:
    """A study under its thresholds; `strategy` is the transfer strategy judged, empty if there is none."""

    cells: Cells
    thresholds: Thresholds
    classes: int
    strategy: str

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
        table = self.cells.table(SCRATCH, self.everything)
        trained = accuracy(table, None, self.cells.units).interval(1 - (1 - self.thresholds.confidence) / 2)
        return trained.low <= 1 / max(self.classes, 2)

    @cached_property
    def limit(self) -> int:
        """Images that a good strategy may use: `max_fraction` of the largest, rounded as subsets are."""
        asked = math.floor(self.thresholds.good.max_fraction * self.everything + 0.5)
        return min(self.everything, max(self.classes, asked))

    @cached_property
    def small(self) -> int | None:
        """The strategy's largest subset within the limit."""
        return max((n for n in self.cells.subsets(self.strategy) if n <= self.limit), default=None)

    @cached_property
    def saving(self) -> int | None:
        """The subset on which the strategy saves both images and time: a proven saving before another.

        `small` is preferred, then the smallest.
        """
        told = self.proven or self.likely
        return self.small if self.small in told else min(told, default=None)

    @property
    def saving_kind(self) -> Saving:
        """What the saving rests on."""
        return "proven" if self.proven else "by point estimate" if self.likely else "none"

    @cached_property
    def proven(self) -> list[int]:
        """Smaller subsets on which the saving is certain: it is at most the margin below, and faster.

        Tested from the largest of them down, to the first that fails: a fixed sequence, so that all of them
        share one error rate (Maurer, Hothorn and Lehmacher 1995). More images do not make a strategy worse.
        """
        found = []
        for n in reversed(self._smaller):
            gain = self.gains.get(n)
            below = gain is None or gain.low < -self.thresholds.margin - TOLERANCE
            if below or self.assumed or not self._faster(n):
                break
            found.append(n)
        return found

    @cached_property
    def likely(self) -> list[int]:
        """Smaller subsets on which the point estimates are a saving.

        The accuracy is within the margin of scratch on everything and not significantly below it, and every
        draw is faster.
        """
        return [n for n in self._smaller if self.as_good(n) and self._faster(n)]

    @property
    def _smaller(self) -> list[int]:
        return [n for n in self.cells.subsets(self.strategy) if n < self.everything]

    def _faster(self, images: int) -> bool:
        saved = self.time_saved(images)
        return saved is not None and saved.low > TOLERANCE

    @cached_property
    def working(self) -> int | None:
        """The subset whose figures are reported: that of the saving, else `small`, else the smallest."""
        smallest = min(self.cells.subsets(self.strategy), default=None)
        return next((n for n in (self.saving, self.small, smallest) if n is not None), None)

    @cached_property
    def gains(self) -> dict[int, Interval]:
        """The strategy's accuracy less that of scratch on everything, by the strategy's subset."""
        if not self.against:
            return {}
        return {
            n: self.cells.gain(self.strategy, n, SCRATCH, self.everything, self.thresholds.confidence)
            for n in self.cells.subsets(self.strategy)
        }

    @cached_property
    def assumed(self) -> bool:
        """Whether what draws differ by is assumed: then nothing is proven against scratch on everything."""
        places = [
            (SCRATCH, self.everything),
            *((self.strategy, n) for n in self.cells.subsets(self.strategy)),
        ]
        return any(self.cells.has(*one) and self.cells.spreads.origin(*one) == "assumed" for one in places)

    def as_good(self, images: int) -> bool:
        """Whether it is within the margin of scratch on everything, and not significantly below it."""
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
        subsets = self.cells.subsets(self.strategy)
        if not subsets:
            return Interval(math.nan, 0.0, math.inf)
        curve = [self.cells.interval(self.strategy, n, self.thresholds.confidence) for n in subsets]
        return reach_between(subsets, curve, self.thresholds.good.min_accuracy)

    def time_saved(self, images: int | None, field: str = "seconds") -> Interval | None:
        """Share of the time of scratch on everything that the strategy saves on a subset.

        The value is that of the medians; the bounds are the least and the most over all pairs of draws.
        """
        if images is None or not self.against or not self.cells.has(self.strategy, images):
            return None
        ours = [getattr(one, field) for one in self.cells.draws(self.strategy, images).values()]
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
