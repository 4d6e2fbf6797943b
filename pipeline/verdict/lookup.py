"""Results, looked up by strategy and by the number of labelled images of a subset."""

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
            self._cells.setdefault((result.strategy, result.images), {})[result.draw] = result
        self.table = lru_cache(maxsize=None)(self._table)

    @cached_property
    def strategies(self) -> tuple[str, ...]:
        """All strategies that have a result: scratch, transfer, then the others in order of appearance."""
        present = dict.fromkeys(result.strategy for result in self.results)
        first = [strategy for strategy in (SCRATCH, *TRANSFER) if strategy in present]
        return (*first, *(strategy for strategy in present if strategy not in first))

    @cached_property
    def transfer(self) -> tuple[str, ...]:
        """The transfer strategies that have a result."""
        return tuple(strategy for strategy in self.strategies if strategy in TRANSFER)

    @cached_property
    def largest(self) -> int:
        """Images of the largest subset of the study."""
        return max((result.images for result in self.results), default=0)

    @cached_property
    def total(self) -> int:
        """All the training images. Where the largest subset is a part of them, shares are of that part."""
        fraction = max((r.fraction for r in self.results if r.images == self.largest), default=1.0)
        return math.floor(self.largest / fraction + 0.5) if fraction > 0 else self.largest

    def subsets(self, strategy: str) -> list[int]:
        """Images of the subsets on which the strategy has a result, increasing."""
        return sorted(images for one, images in self._cells if one == strategy)

    def draws(self, strategy: str, images: int) -> dict[int, Result]:
        """The strategy's results on a subset, by draw; empty where there are none."""
        return self._cells.get((strategy, images), {})

    def has(self, strategy: str, images: int) -> bool:
        """Whether there is a result."""
        return (strategy, images) in self._cells

    def median(self, strategy: str, images: int, field: str) -> float:
        """Median over the draws of a field of the results."""
        return float(median([getattr(result, field) for result in self.draws(strategy, images).values()]))

    def convex(self, strategy: str) -> bool:
        """Whether all fits of the strategy are convex: no seed changes them."""
        return all(one.convex for one in self.results if one.strategy == strategy)

    def shared(self, first: str, second: str, images: int) -> list[int]:
        """Draws of a subset that both strategies have."""
        return [draw for draw in self.draws(first, images) if draw in self.draws(second, images)]

    def discordant(self, first: str, second: str, images: int) -> tuple[int, int]:
        """Test images that one strategy alone gets right, first and second, over their draws of a subset."""
        shared = self.shared(first, second, images)
        one = self.some(first, images, shared) if shared else self.table(first, images)
        two = self.some(second, images, shared) if shared else self.table(second, images)
        draws = min(one.shape[1], two.shape[1])
        one, two = one[:, :draws], two[:, :draws]
        return int((one & ~two).sum()), int((two & ~one).sum())

    def some(self, strategy: str, images: int, draws: list[int]) -> np.ndarray:
        """Right answers in some draws, bool [test images, draws]."""
        have = list(self.draws(strategy, images))
        return self.table(strategy, images)[:, [have.index(draw) for draw in draws]]

    def _table(self, strategy: str, images: int) -> np.ndarray:
        """Right answers, bool [test images, draws]."""
        return np.column_stack([r.correct for r in self._cells[strategy, images].values()]).astype(bool)
