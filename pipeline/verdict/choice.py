"""Which strategy is spoken for, always by validation accuracy: the test split chooses nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from headstart.pipeline.verdict.cells import Cells


def best_by_validation(cells: Cells, arms: Sequence[str]) -> str:
    """Of these arms the one with the highest mean validation accuracy over the cells that all have.

    Ties go to the faster. Empty where there are none.
    """
    return _best(cells, arms, {result.images for result in cells.results})


def best_on(cells: Cells, arms: Sequence[str], images: int) -> str:
    """Of these arms the best by mean validation accuracy on a subset, over the draws that all have.

    Ties go to the faster. Empty where none has a result there.
    """
    return _best(cells, [arm for arm in arms if cells.has(arm, images)], [images])


def _best(cells: Cells, arms: Sequence[str], subsets: Iterable[int]) -> str:
    def keys(arm: str) -> set[tuple[int, int]]:
        return {(n, draw) for n in subsets for draw in cells.draws(arm, n)}

    shared = set.intersection(*map(keys, arms)) if arms else set()

    def rank(arm: str) -> tuple[float, float]:
        results = [cells.draws(arm, n)[draw] for n, draw in sorted(shared or keys(arm))]
        accuracy = float(np.nanmean([result.val_accuracy for result in results] or [0.0]))
        return round(accuracy, 9), -float(np.sum([result.seconds for result in results]))

    return max(arms, key=rank, default="")
