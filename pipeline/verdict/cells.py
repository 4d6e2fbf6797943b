"""The cells of a study, and the estimates that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from headstart.pipeline.verdict.draws import Draws
from headstart.pipeline.verdict.findings import Interval, Result
from headstart.pipeline.verdict.lookup import Lookup
from headstart.pipeline.verdict.statistics import Accuracy, Difference, accuracy, difference

SURELY = 0.99  # one-sided confidence at which a single run is below the same strategy on fewer images


class Cells(Lookup):
    """Expected accuracies and their differences, with the noise of test images and of draws."""

    def __init__(
        self,
        results: Sequence[Result],
        groups: Sequence[object] | np.ndarray | None = None,
        lost: float = 0.0,
    ) -> None:
        """Take the results, the group of each test image, and what the study's collapsed runs lost.

        `groups` is None where every image is its own, `lost` is 0 where no run has collapsed.
        """
        super().__init__(results, groups)
        self.lost = lost
        self.spreads = Draws(self)
        # Asked again and again, by every part of the verdict.
        self.accuracy = lru_cache(maxsize=None)(self._accuracy)
        self.difference = lru_cache(maxsize=None)(self._difference)
        self.fell = lru_cache(maxsize=None)(self._fell)

    def interval(self, strategy: str, images: int, quantile: float) -> Interval:
        """Bounds of the expected accuracy, each at the one-sided `quantile`.

        The upper one allows for a single run that has collapsed.
        """
        found = self.accuracy(strategy, images).interval(quantile)
        return replace(found, high=min(1.0, found.high + self._may_have_lost(strategy, images)))

    def gain(self, first: str, images: int, second: str, others: int, quantile: float) -> Interval:
        """Bounds of the expected difference, first strategy less second, each at the one-sided `quantile`.

        They allow for single runs that have collapsed, of either strategy.
        """
        found = self.difference(first, images, second, others).interval(quantile)
        low = found.low - self._may_have_lost(second, others)
        return Interval(
            found.value, max(-1.0, low), min(1.0, found.high + self._may_have_lost(first, images))
        )

    def _accuracy(self, strategy: str, images: int) -> Accuracy:
        """Expected accuracy of a strategy on a subset."""
        return accuracy(self.table(strategy, images), self.spreads.noise(strategy, images), self.units)

    def _difference(self, first: str, images: int, second: str, others: int) -> Difference:
        """Expected difference in accuracy, the first strategy on its subset less the second on its own.

        On the same subset the draws that both have are paired: they hold the same images.
        """
        shared = self.shared(first, second, images) if images == others else []
        one = self.some(first, images, shared) if shared else self.table(first, images)
        two = self.some(second, others, shared) if shared else self.table(second, others)
        if shared and images < self.largest:
            noises = [self.spreads.paired_noise(first, second, images).over(len(shared))]
        else:  # on all images, a pair has no draw of the images in common: they differ by their seeds
            noises = [
                self.spreads.noise(first, images).over(one.shape[1]),
                self.spreads.noise(second, others).over(two.shape[1]),
            ]
        return difference(one, two, noises, self.units)

    def _may_have_lost(self, strategy: str, images: int) -> float:
        """What a single run may have lost, where it or other runs of the study have collapsed.

        More images do not make a strategy worse: a run below the same strategy on fewer has lost that much.
        """
        if self.convex(strategy) or len(self.draws(strategy, images)) > 1:
            return 0.0
        fewer = self.fell(strategy, images)
        below = self.accuracy(strategy, fewer).value - self.accuracy(strategy, images).value if fewer else 0.0
        return max(self.lost, below)

    def _fell(self, strategy: str, images: int) -> int | None:
        """The largest smaller subset that a single run is significantly below."""
        if len(self.draws(strategy, images)) > 1:
            return None
        for fewer in reversed([n for n in self.subsets(strategy) if n < images]):
            if self.difference(strategy, images, strategy, fewer).interval(SURELY).high < 0:
                return fewer
        return None
