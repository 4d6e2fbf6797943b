"""What draws of a cell differ by, from its own draws and from those of other cells."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import median_low

from headstart.pipeline.verdict.findings import EMBEDDINGS_LOGISTIC, REFERENCES, Origin
from headstart.pipeline.verdict.lookup import Lookup
from headstart.pipeline.verdict.noise import TOO_FAR, Spread, assumed, combine, spread, too_wide, usual
from headstart.pipeline.verdict.statistics import Noise

# What draws differ by on a subset is estimated from the nearest subsets with several draws, at most so many.
NEAREST = 3
# Between subsets that variance is taken to fall with images^-FALL. Hoiem et al. (arXiv:2010.11029) have a
# part that falls with 1/n and one that stays; this lies between.
FALL = 0.5
TENTH = 0.1  # of the images: what `usual` and `assumed` are for


class Draws:
    """The noise of one draw, of every cell and of every pair of cells."""

    def __init__(self, cells: Lookup) -> None:
        """Take the cells."""
        self._cells = cells
        # Asked again and again, by every part of the verdict.
        self.noise = lru_cache(maxsize=None)(self._noise)
        self._own = lru_cache(maxsize=None)(self._own_spreads)
        self._spread = lru_cache(maxsize=None)(self._spread_of_cell)
        self._paired_spread = lru_cache(maxsize=None)(self._paired_spread_of_cells)
        self._too_wide = lru_cache(maxsize=None)(self._is_too_wide)
        self._mean = lru_cache(maxsize=None)(self._mean_of_cell)

    def origin(self, strategy: str, images: int) -> Origin:
        """Where the spread of the draws in a strategy's interval on a subset is from."""
        if self._seedless(strategy, images):
            return "none"
        if len(self._cells.draws(strategy, images)) > 1:
            return "own"
        return "borrowed" if self._own(strategy, images) or self._others(strategy, images) else "assumed"

    def usual_variance(self, strategy: str, images: int) -> float:
        """What one draw's accuracy usually varies by: as in the study's other cells, or as elsewhere.

        The other cells speak by their lower median, which a collapsed run among them moves little.
        """
        others = [
            other.over((images / n) ** FALL).variance
            for one in self._lenders
            for n in self._cells.subsets(one)
            if (one, n) != (strategy, images) and (other := self._spread(one, n))
        ]
        return max(self._prior(usual, strategy, images).variance, median_low(others) if others else 0.0)

    def paired_noise(self, first: str, second: str, images: int) -> Noise:
        """What the difference of two strategies on the same draw differs by.

        Where few draws tell, it is filled up with that of two strategies with nothing in common.
        """
        subsets = self._cells.subsets(first)
        found = {n: s for n in subsets if (s := self._paired_spread(first, second, n))}
        sides = [self.noise(first, images), self.noise(second, images)]
        variance, error = sum(n.variance for n in sides), sum(n.error for n in sides)
        freedom = 2 * variance**2 / error if error > 0 else 1.0
        return combine(_nearest(found, images), [], Spread(variance, 0.0, max(1.0, freedom)))

    @property
    def _lenders(self) -> list[str]:
        """Strategies, and the one reference, whose spread others may borrow."""
        return [
            strategy
            for strategy in self._cells.strategies
            if strategy not in REFERENCES or strategy == EMBEDDINGS_LOGISTIC
        ]

    def _noise(self, strategy: str, images: int) -> Noise:
        """What one draw of a strategy on a subset differs by."""
        if self._seedless(strategy, images):
            return Noise(0.0, 0.0)
        own, others = self._own(strategy, images), self._others(strategy, images)
        return combine(own, others, self._prior(usual if own or others else assumed, strategy, images))

    def _seedless(self, strategy: str, images: int) -> bool:
        """Whether another draw would give the same: a convex fit on all of the images."""
        results = self._cells.draws(strategy, images).values()
        return images >= self._cells.total and all(one.convex for one in results)

    def _own_spreads(self, strategy: str, images: int) -> list[Spread]:
        """Spreads of the strategy's draws on the nearest subsets, as they would be on this one."""
        found = {
            n: s
            for n in self._cells.subsets(strategy)
            if (s := self._spread(strategy, n)) and (n == images or not self._too_wide(strategy, n))
        }
        return _nearest(found, images)

    def _others(self, strategy: str, images: int) -> list[Spread]:
        """The same of the other strategies of its kind, those with seeds or the convex fits.

        A convex fit may borrow from strategies with seeds, whose draws differ by more. One with seeds may
        not borrow from a convex fit.
        """
        others = [one for one in self._lenders if one != strategy]
        convex = self._cells.convex(strategy)
        kin = [one for one in others if self._cells.convex(one) == convex]
        for strategies in (kin, others if convex else []):
            found = [s for one in strategies for s in self._own(one, images)]
            if found:
                return found
        return []

    def _is_too_wide(self, strategy: str, images: int) -> bool:
        found = self._spread(strategy, images)
        if found is None:
            return False
        usually = self.usual_variance(strategy, images) + found.chance
        return too_wide(found.variance + found.chance, found.freedom, usually, TOO_FAR)

    def _prior(self, spread_of: Callable[[float], Spread], strategy: str, images: int) -> Spread:
        """What draws on a tenth of the images differ by, as it would be on this subset."""
        return spread_of(self._mean(strategy, images)).over((images / (TENTH * self._cells.total)) ** FALL)

    def _mean_of_cell(self, strategy: str, images: int) -> float:
        return float(self._cells.table(strategy, images).mean())

    def _spread_of_cell(self, strategy: str, images: int) -> Spread | None:
        return spread(self._cells.table(strategy, images), self._cells.units)

    def _paired_spread_of_cells(self, first: str, second: str, images: int) -> Spread | None:
        draws = self._cells.shared(first, second, images)
        if len(draws) < 2:
            return None
        one, two = (self._cells.some(strategy, images, draws).astype(float) for strategy in (first, second))
        return spread(one - two, self._cells.units)


def _nearest(found: dict[int, Spread], images: int) -> list[Spread]:
    """The spreads of the nearest subsets, as they would be on one of so many images."""
    order = sorted(found, key=lambda n: abs(math.log(n / images)))
    return [found[n].over((images / n) ** FALL) for n in order[:NEAREST]]
