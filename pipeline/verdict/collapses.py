"""Training runs that collapsed: far below the same strategy's other draws, or below it on fewer images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from headstart.pipeline.verdict.cells import Cells
from headstart.pipeline.verdict.findings import Collapse
from headstart.pipeline.verdict.noise import FAR, GAP, too_wide
from headstart.pipeline.verdict.words import count, name, percent

FEW = 0.09  # of the images: a little less than a tenth, as subsets are rounded


def below_other_draws(cells: Cells) -> tuple[Collapse, ...]:
    """Runs far below another draw of their cell on validation, so that the test split leaves nothing out."""
    found = []
    for strategy in cells.strategies:
        for images in cells.subsets(strategy):
            results = cells.draws(strategy, images)
            accuracies = np.array([one.val_accuracy for one in results.values()])
            best = accuracies.max()
            if best - accuracies.min() <= GAP or all(one.convex for one in results.values()):
                continue
            mean = float(accuracies.mean())
            validated = min(one.val_images or len(one.correct) for one in results.values())
            usual = cells.spreads.usual_variance(strategy, images) + mean * (1 - mean) / validated
            if not too_wide(float(accuracies.var(ddof=1)), len(accuracies) - 1, usual, FAR):
                continue
            found += [
                Collapse(
                    strategy,
                    one.fraction,
                    images,
                    draw,
                    float(best - one.val_accuracy),
                    f"Draw {draw + 1} of {name(strategy)} with {count(images)} images reaches "
                    f"{percent(one.val_accuracy)} on validation, another draw {percent(best)}: the training "
                    "seems to have collapsed. The verdict is without it; repeat the run.",
                )
                for draw, one in results.items()
                if one.val_accuracy < best - GAP
            ]
    return tuple(found)


def most_lost(found: Sequence[Collapse], cells: Cells) -> float:
    """The most that a run lost on a tenth of the images or more: on fewer, runs fail for want of images."""
    return max((one.lost for one in found if one.images >= FEW * cells.total), default=0.0)


def below_fewer_images(cells: Cells) -> tuple[Collapse, ...]:
    """Single runs that are significantly below the same strategy on fewer images."""
    found = []
    for strategy in cells.strategies:
        for images in cells.subsets(strategy):
            fewer = cells.fell(strategy, images)
            if fewer is None:
                continue
            (one,) = cells.draws(strategy, images).values()
            before = cells.accuracy(strategy, fewer).value
            found.append(
                Collapse(
                    strategy,
                    one.fraction,
                    images,
                    one.draw,
                    before - one.accuracy,
                    f"The one run of {name(strategy)} with {count(images)} images reaches "
                    f"{percent(one.accuracy)}, less than with {count(fewer)} ({percent(before)}): the "
                    "training may have collapsed. Repeat the run.",
                )
            )
    return tuple(found)
