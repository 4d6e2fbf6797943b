"""The cells of a study by arm and subset, and the estimates that are made of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from statistics import median, median_low

import numpy as np

from pipeline.verdict.findings import SCRATCH, TRANSFER, Interval, Result, Spread
from pipeline.verdict.noise import TOO_FAR, assumed, combine, spread, too_wide, usual
from pipeline.verdict.noise import Spread as DrawSpread
from pipeline.verdict.statistics import Accuracy, Difference, Noise, accuracy, difference
from pipeline.verdict.units import Units

# What draws differ by on a subset is estimated from the nearest subsets with several draws, at most so many.
NEAREST = 3
# Between subsets that variance is taken to fall with images^-FALL. Hoiem et al. (arXiv:2010.11029) have a
# part that falls with 1/n and one that stays; this lies between.
FALL = 0.5
TENTH = 0.1  # of the images: what `usual` and `assumed` are for
SURELY = 0.99  # one-sided confidence at which a single run is below the same arm on fewer images


class Cells:
    """Results, looked up by arm and by the number of labelled images of a subset."""

    def __init__(
        self,
        results: Sequence[Result],
        groups: Sequence[object] | np.ndarray | None = None,
        lost: float = 0.0,
    ) -> None:
        """Take the results, the group of each test image, and what the study's collapsed runs lost.

        `groups` is None where every image is its own, `lost` is 0 where no run has collapsed.
        """
        self.results = tuple(results)
        self.units = Units(groups)
        self.lost = lost
        self._cells: dict[tuple[str, int], dict[int, Result]] = {}
        for result in sorted(results, key=lambda one: (one.images, one.draw)):
            self._cells.setdefault((result.arm, result.images), {})[result.draw] = result
        # Asked again and again, by every part of the verdict.
        self.table = lru_cache(maxsize=None)(self._table)
        self.accuracy = lru_cache(maxsize=None)(self._accuracy)
        self.difference = lru_cache(maxsize=None)(self._difference)
        self.noise = lru_cache(maxsize=None)(self._noise)
        self.fell = lru_cache(maxsize=None)(self._fell)
        self._spread = lru_cache(maxsize=None)(self._spread_of_cell)
        self._paired_spread = lru_cache(maxsize=None)(self._paired_spread_of_cells)
        self._too_wide = lru_cache(maxsize=None)(self._is_too_wide)
        self._own = lru_cache(maxsize=None)(self._own_spreads)
        self._means = lru_cache(maxsize=None)(self._means_of_draws)

    @cached_property
    def arms(self) -> tuple[str, ...]:
        """All arms that have a result: scratch, transfer, then the others in order of appearance."""
        present = dict.fromkeys(result.arm for result in self.results)
        first = [arm for arm in (SCRATCH, *TRANSFER) if arm in present]
        return (*first, *(arm for arm in present if arm not in first))

    @cached_property
    def transfer(self) -> tuple[str, ...]:
        """The transfer strategies that have a result."""
        return tuple(arm for arm in self.arms if arm in TRANSFER)

    @cached_property
    def largest(self) -> int:
        """Images of the largest subset of the study."""
        return max((result.images for result in self.results), default=0)

    @cached_property
    def total(self) -> int:
        """All the training images. Where the largest subset is a part of them, shares are of that part."""
        fraction = max((r.fraction for r in self.results if r.images == self.largest), default=1.0)
        return math.floor(self.largest / fraction + 0.5) if fraction > 0 else self.largest

    def subsets(self, arm: str) -> list[int]:
        """Images of the subsets on which the arm has a result, increasing."""
        return sorted(images for one, images in self._cells if one == arm)

    def draws(self, arm: str, images: int) -> dict[int, Result]:
        """The arm's results on a subset, by draw; empty where there are none."""
        return self._cells.get((arm, images), {})

    def has(self, arm: str, images: int) -> bool:
        """Whether there is a result."""
        return (arm, images) in self._cells

    def median(self, arm: str, images: int, field: str) -> float:
        """Median over the draws of a field of the results."""
        return float(median([getattr(result, field) for result in self.draws(arm, images).values()]))

    def interval(self, arm: str, images: int, quantile: float) -> Interval:
        """Bounds of the expected accuracy, each at the one-sided `quantile`.

        The upper one allows for a single run that has collapsed.
        """
        found = self.accuracy(arm, images).interval(quantile)
        return replace(found, high=min(1.0, found.high + self._may_have_lost(arm, images)))

    def gain(self, first: str, images: int, second: str, others: int, quantile: float) -> Interval:
        """Bounds of the expected difference, first arm less second, each at the one-sided `quantile`.

        They allow for single runs that have collapsed, of either arm.
        """
        found = self.difference(first, images, second, others).interval(quantile)
        low = found.low - self._may_have_lost(second, others)
        return Interval(
            found.value, max(-1.0, low), min(1.0, found.high + self._may_have_lost(first, images))
        )

    def spread_from(self, arm: str, images: int) -> Spread:
        """Where the spread of the draws in an arm's interval on a subset is from."""
        if self._seedless(arm, images):
            return "none"
        if len(self.draws(arm, images)) > 1:
            return "own"
        return "borrowed" if self._own(arm, images) or self._others(arm, images) else "assumed"

    def usual_variance(self, arm: str, images: int) -> float:
        """What one draw's accuracy usually varies by: as in the study's other cells, or as elsewhere.

        The other cells speak by their lower median, which a collapsed run among them moves little.
        """
        others = [
            other.over((images / n) ** FALL).variance
            for one, n in self._cells
            if (one, n) != (arm, images) and (other := self._spread(one, n))
        ]
        return max(self._prior(usual, arm, images).variance, median_low(others) if others else 0.0)

    def shared(self, first: str, second: str, images: int) -> list[int]:
        """Draws of a subset that both arms have."""
        return [draw for draw in self.draws(first, images) if draw in self.draws(second, images)]

    def discordant(self, first: str, second: str, images: int) -> tuple[int, int]:
        """Test images that one arm alone gets right, first and second, over their draws of a subset."""
        shared = self.shared(first, second, images)
        one = self._some(first, images, shared) if shared else self.table(first, images)
        two = self._some(second, images, shared) if shared else self.table(second, images)
        draws = min(one.shape[1], two.shape[1])
        one, two = one[:, :draws], two[:, :draws]
        return int((one & ~two).sum()), int((two & ~one).sum())

    def _table(self, arm: str, images: int) -> np.ndarray:
        """Right answers, bool [test images, draws]."""
        return np.column_stack([r.correct for r in self._cells[arm, images].values()]).astype(bool)

    def _accuracy(self, arm: str, images: int) -> Accuracy:
        """Expected accuracy of an arm on a subset."""
        return accuracy(self.table(arm, images), self.noise(arm, images), self.units)

    def _difference(self, first: str, images: int, second: str, others: int) -> Difference:
        """Expected difference in accuracy, the first arm on its subset less the second on its own.

        On the same subset the draws that both have are paired: they hold the same images.
        """
        shared = self.shared(first, second, images) if images == others else []
        one = self._some(first, images, shared) if shared else self.table(first, images)
        two = self._some(second, others, shared) if shared else self.table(second, others)
        if shared and images < self.largest:
            noises = [self._paired_noise(first, second, images).over(len(shared))]
        else:  # on all images, a pair has no draw of the images in common: they differ by their seeds
            noises = [
                self.noise(first, images).over(one.shape[1]),
                self.noise(second, others).over(two.shape[1]),
            ]
        return difference(one, two, noises, self.units)

    def _some(self, arm: str, images: int, draws: list[int]) -> np.ndarray:
        have = list(self.draws(arm, images))
        return self.table(arm, images)[:, [have.index(draw) for draw in draws]]

    def _noise(self, arm: str, images: int) -> Noise:
        """What one draw of an arm on a subset differs by."""
        if self._seedless(arm, images):
            return Noise(0.0, 0.0)
        own, others = self._own(arm, images), self._others(arm, images)
        return combine(own, others, self._prior(usual if own or others else assumed, arm, images))

    def _paired_noise(self, first: str, second: str, images: int) -> Noise:
        """What the difference of two arms on the same draw differs by.

        Where few draws tell, it is taken to be no less than that of two arms with nothing in common.
        """
        found = {n: s for n in self.subsets(first) if (s := self._paired_spread(first, second, n))}
        own = [s.over((images / n) ** FALL) for n, s in self._nearest(found, images)]
        sides = [self.noise(first, images), self.noise(second, images)]
        variance, error = sum(n.variance for n in sides), sum(n.error for n in sides)
        freedom = 2 * variance**2 / error if error > 0 else 1.0
        return combine(own, [], DrawSpread(variance, 0.0, max(1.0, freedom)))

    def _seedless(self, arm: str, images: int) -> bool:
        """Whether another draw would give the same: a convex fit on all of the images."""
        return images >= self.total and all(one.convex for one in self.draws(arm, images).values())

    def _convex(self, arm: str) -> bool:
        return all(one.convex for one in self.results if one.arm == arm)

    def _own_spreads(self, arm: str, images: int) -> list[DrawSpread]:
        """Spreads of the arm's draws on the nearest subsets, as they would be on this one."""
        found = {
            n: s
            for n in self.subsets(arm)
            if (s := self._spread(arm, n)) and (n == images or not self._too_wide(arm, n))
        }
        return [s.over((images / n) ** FALL) for n, s in self._nearest(found, images)]

    def _others(self, arm: str, images: int) -> list[DrawSpread]:
        """The same of the other arms of its kind, those with seeds or the convex fits; else of all others."""
        others = [one for one in self.arms if one != arm]
        kin = [one for one in others if self._convex(one) == self._convex(arm)]
        for arms in (kin, others):
            found = [s for one in arms for s in self._own(one, images)]
            if found:
                return found
        return []

    @staticmethod
    def _nearest(found: dict[int, DrawSpread], images: int) -> list[tuple[int, DrawSpread]]:
        return sorted(found.items(), key=lambda item: abs(math.log(item[0] / images)))[:NEAREST]

    def _is_too_wide(self, arm: str, images: int) -> bool:
        found = self._spread(arm, images)
        if found is None:
            return False
        usual_variance = self.usual_variance(arm, images) + found.chance
        return too_wide(found.variance + found.chance, found.freedom, usual_variance, TOO_FAR)

    def _may_have_lost(self, arm: str, images: int) -> float:
        """What a single run may have lost, where it or other runs of the study have collapsed.

        More images do not make a strategy worse: a run below the same strategy on fewer has lost that much.
        """
        if self._convex(arm) or len(self.draws(arm, images)) > 1:
            return 0.0
        fewer = self.fell(arm, images)
        below = self.accuracy(arm, fewer).value - self.accuracy(arm, images).value if fewer else 0.0
        return max(self.lost, below)

    def _prior(self, spread_of: Callable[[float], DrawSpread], arm: str, images: int) -> DrawSpread:
        """What draws on a tenth of the images differ by, as it would be on this subset."""
        found = spread_of(float(self._means(arm, images).mean()))
        return found.over((images / (TENTH * self.total)) ** FALL)

    def _means_of_draws(self, arm: str, images: int) -> np.ndarray:
        return self.table(arm, images).mean(axis=0)

    def _spread_of_cell(self, arm: str, images: int) -> DrawSpread | None:
        return spread(self.table(arm, images), self.units)

    def _paired_spread_of_cells(self, first: str, second: str, images: int) -> DrawSpread | None:
        draws = self.shared(first, second, images)
        if len(draws) < 2:
            return None
        one, two = self._some(first, images, draws), self._some(second, images, draws)
        return spread(one.astype(float) - two.astype(float), self.units)

    def _fell(self, arm: str, images: int) -> int | None:
        """The largest smaller subset that a single run is significantly below."""
        if len(self.draws(arm, images)) > 1:
            return None
        for fewer in reversed([n for n in self.subsets(arm) if n < images]):
            if self.difference(arm, images, arm, fewer).interval(SURELY).high < 0:
                return fewer
        return None
