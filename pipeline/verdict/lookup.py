"""Results, looked up by arm and by the number of labelled images of a subset."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, lru_cache
from statistics import median

import numpy as np

from headstart.pipeline.verdict.findings import SCRATCH, TRANSFER, Result
from headstart.pipeline.verdict.units import Units


class Lookup:
    """The results of a study and their tables of answers."""

    def __init__(self, results: Sequence[Result], groups: Sequence[object] | np.ndarray | None) -> None:
        """Take the results, and the group of each test image; None where every image is its own."""
        self.results = tuple(results)
        self.units = Units(groups)
        self._cells: dict[tuple[str, int], dict[int, Result]] = {}
        for result in sorted(results, key=lambda one: (one.images, one.draw)):
            self._cells.setdefault((result.arm, result.images), {})[result.draw] = result
        self.table = lru_cache(maxsize=None)(self._table)

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

    def convex(self, arm: str) -> bool:
        """Whether all fits of the arm are convex: no seed changes them."""
        return all(one.convex for one in self.results if one.arm == arm)

    def shared(self, first: str, second: str, images: int) -> list[int]:
        """Draws of a subset that both arms have."""
        return [draw for draw in self.draws(first, images) if draw in self.draws(second, images)]

    def discordant(self, first: str, second: str, images: int) -> tuple[int, int]:
        """Test images that one arm alone gets right, first and second, over their draws of a subset."""
        shared = self.shared(first, second, images)
        one = self.some(first, images, shared) if shared else self.table(first, images)
        two = self.some(second, images, shared) if shared else self.table(second, images)
        draws = min(one.shape[1], two.shape[1])
        one, two = one[:, :draws], two[:, :draws]
        return int((one & ~two).sum()), int((two & ~one).sum())

    def some(self, arm: str, images: int, draws: list[int]) -> np.ndarray:
        """Right answers in some draws, bool [test images, draws]."""
        have = list(self.draws(arm, images))
        return self.table(arm, images)[:, [have.index(draw) for draw in draws]]

    def _table(self, arm: str, images: int) -> np.ndarray:
        """Right answers, bool [test images, draws]."""
        return np.column_stack([r.correct for r in self._cells[arm, images].values()]).astype(bool)
