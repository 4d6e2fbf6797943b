"""The cells of a study by arm and subset, and the estimates that are made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, lru_cache
from statistics import median

import numpy as np

from pipeline.verdict.findings import SCRATCH, TRANSFER, Result
from pipeline.verdict.statistics import Accuracy, Difference, Noise, accuracy, difference, draw_noise, pool

# What draws differ by on a subset is estimated from the nearest subsets with several draws, at most so many.
NEAREST = 3
# Between subsets that variance is taken to fall with images^-FALL. Hoiem et al. (arXiv:2010.11029) have a
# part that falls with 1/n and one that stays; this lies between.
FALL = 0.5


class Cells:
    """Results, looked up by arm and by the number of labelled images of a subset."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.results = tuple(results)
        self._cells: dict[tuple[str, int], dict[int, Result]] = {}
        for result in sorted(results, key=lambda one: (one.images, one.draw)):
            self._cells.setdefault((result.arm, result.images), {})[result.draw] = result
        # Asked again and again, by every part of the verdict.
        self.table = lru_cache(maxsize=None)(self._table)
        self.accuracy = lru_cache(maxsize=None)(self._accuracy)
        self.difference = lru_cache(maxsize=None)(self._difference)
        self._noise = lru_cache(maxsize=None)(self._pooled_noise)
        self._cell_noise = lru_cache(maxsize=None)(self._noise_of_cell)

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

    def _table(self, arm: str, images: int) -> np.ndarray:
        """Right answers, bool [test images, draws]."""
        return np.column_stack([r.correct for r in self._cells[arm, images].values()]).astype(bool)

    def _accuracy(self, arm: str, images: int) -> Accuracy:
        """Expected accuracy of an arm on a subset."""
        return accuracy(self.table(arm, images), self.noise(arm, images))

    def noise(self, arm: str, images: int, less: str = "") -> Noise | None:
        """What one draw differs by, of an arm on a subset or of its difference to another, `less`.

        The transfer strategies are taken to be equally noisy.
        """
        return self._noise(
            self.transfer if arm in TRANSFER and less not in TRANSFER else (arm,), images, less
        )

    def _difference(self, first: str, images: int, second: str, others: int) -> Difference:
        """Expected difference in accuracy, the first arm on its subset less the second on its own.

        On the same subset the draws that both have are paired: they hold the same images.
        """
        shared = self.shared(first, second, images) if images == others else []
        one = self._some(first, images, shared) if shared else self.table(first, images)
        two = self._some(second, others, shared) if shared else self.table(second, others)
        if shared:
            paired = self.noise(first, images, less=second)
            noises = [paired.over(len(shared))] if paired else []
        else:
            sides = ((first, images, one), (second, others, two))
            noises = [noise.over(t.shape[1]) for arm, n, t in sides if (noise := self.noise(arm, n))]
        return difference(one, two, noises)

    def shared(self, first: str, second: str, images: int) -> list[int]:
        """Draws of a subset that both arms have."""
        return [draw for draw in self.draws(first, images) if draw in self.draws(second, images)]

    def discordant(self, first: str, second: str, images: int) -> tuple[int, int]:
        """Test images that one arm alone gets right, first and second, over their draws of a subset."""
        shared = self.shared(first, second, images)
        pairs = (
            [(self.draws(first, images)[draw], self.draws(second, images)[draw]) for draw in shared]
            if shared
            else list(zip(self.draws(first, images).values(), self.draws(second, images).values()))
        )
        return (
            sum(int((a.correct & ~b.correct).sum()) for a, b in pairs),
            sum(int((b.correct & ~a.correct).sum()) for a, b in pairs),
        )

    def _some(self, arm: str, images: int, draws: list[int]) -> np.ndarray:
        cells = self.draws(arm, images)
        return np.column_stack([cells[draw].correct for draw in draws]).astype(bool)

    def _pooled_noise(self, arms: tuple[str, ...], images: int, less: str) -> Noise | None:
        """From the nearest subsets that have several draws."""
        found: dict[int, list[Noise]] = {}
        for arm in arms:
            for n in self.subsets(arm):
                noise = self._cell_noise(arm, n, less)
                if noise:
                    found.setdefault(n, []).append(noise.over((images / n) ** FALL))
        nearest = sorted(found, key=lambda n: abs(math.log(n / images)))[:NEAREST]
        return pool([noise for n in nearest for noise in found[n]])

    def _noise_of_cell(self, arm: str, images: int, less: str) -> Noise | None:
        if not less:
            return draw_noise(self.table(arm, images))
        draws = self.shared(arm, less, images)
        if len(draws) < 2:
            return None
        one, two = self._some(arm, images, draws), self._some(less, images, draws)
        return draw_noise(one.astype(float) - two.astype(float))
