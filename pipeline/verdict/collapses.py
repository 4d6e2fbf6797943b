"""Training runs that collapsed: far below the same strategy's other draws, or below it on fewer images."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.verdict.cells import Cells
from pipeline.verdict.findings import Collapse
from pipeline.verdict.words import count, name, percent


def collapses(cells: Cells) -> tuple[Collapse, ...]:
    """The runs that are worth repeating."""
    found = []
    for arm in cells.arms:
        for images in cells.subsets(arm):
            results = cells.draws(arm, images)
            fewer = cells.fell(arm, images)
            draws = cells.low_draws(arm, images) if fewer is None else list(results)
            best = max(one.accuracy for one in results.values())
            expected = best if fewer is None else cells.accuracy(arm, fewer).value
            for draw in draws:
                one = results[draw]
                found.append(Collapse(arm, one.fraction, images, draw, one.accuracy, expected))
    return tuple(found)


def sentences(found: Sequence[Collapse]) -> list[str]:
    """A note for each."""
    return [
        f"Draw {one.draw + 1} of {name(one.arm)} with {count(one.images)} images reaches {percent(one.accuracy)} "
        f"where {percent(one.expected)} was to be expected: the training may have collapsed. Its spread is not "
        "lent to other cells; repeat the run."
        for one in found
    ]
