"""Which strategy is spoken for, always by validation accuracy: the test split chooses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from headstart.pipeline.verdict.cells import Cells


def best_by_validation(cells: Cells, strategies: Sequence[str]) -> str:
    """Of these strategies the one with the highest mean validation accuracy over the cells that all have.

    Ties go to the faster. Empty where there are none.
    """
    return _best(cells, strategies, {result.images for result in cells.results})


def best_on(cells: Cells, strategies: Sequence[str], images: int) -> str:
    """Of these strategies the best by mean validation accuracy on a subset, over the draws that all have.

    Ties go to the faster. Empty where none has a result there.
    """
    return _best(cells, [strategy for strategy in strategies if cells.has(strategy, images)], [images])


def _best(cells: Cells, strategies: Sequence[str], subsets: Iterable[int]) -> str:
    def keys(strategy: str) -> set[tuple[int, int]]:
        return {(n, draw) for n in subsets for draw in cells.draws(strategy, n)}

    shared = set.intersection(*map(keys, strategies)) if strategies else set()

    def rank(strategy: str) -> tuple[float, float]:
        results = [cells.draws(strategy, n)[draw] for n, draw in sorted(shared or keys(strategy))]
        accuracy = float(np.nanmean([result.val_accuracy for result in results] or [0.0]))
        return round(accuracy, 9), -float(np.sum([result.seconds for result in results]))

    return max(strategies, key=rank, default="")
