"""Signs of overfitting in a cell."""

from __future__ import annotations

import math

from scipy.special import ndtr

from headstart.pipeline.verdict.cells import Cells
from headstart.pipeline.verdict.findings import Overfit, Result
from headstart.pipeline.verdict.statistics import accuracy, holm
from headstart.pipeline.verdict.units import Units
from headstart.pipeline.verdict.words import percent, points

TURN = 1.1  # a validation loss this many times its least has turned up,
RISE = 0.01  # if it is above it by this as well


def overfitting(cells: Cells, max_gap: float, confidence: float) -> tuple[Overfit, ...]:
    """What every cell shows of it: the gap, the validation loss, the drop from validation to test."""
    results = [
        r
        for strategy in cells.strategies
        for n in cells.subsets(strategy)
        for r in cells.draws(strategy, n).values()
    ]
    drops = holm([_drop_p_value(result, cells.units) for result in results])
    return tuple(
        Overfit(
            result.strategy,
            result.fraction,
            result.draw,
            result.train_accuracy - result.val_accuracy,
            tuple(
                sign for sign in (_gap(result, max_gap), _turn(result), _drop(result, p, confidence)) if sign
            ),
        )
        for result, p in zip(results, drops)
    )


def _gap(result: Result, most: float) -> str:
    gap = result.train_accuracy - result.val_accuracy
    if not gap > most + 1e-9:
        return ""
    return (
        f"Training accuracy {percent(result.train_accuracy)}, validation {percent(result.val_accuracy)}: "
        f"a gap of {points(gap)} points, more than {points(most)}."
    )


def _turn(result: Result) -> str:
    """The validation loss went up again while the training loss went on falling."""
    if not result.history:
        return ""
    losses = [row[2] for row in result.history]
    least = min(losses)
    best = losses.index(least)
    fell = result.history[-1][1] < result.history[best][1]
    if not (fell and losses[-1] > max(TURN * least, least + RISE)):
        return ""
    return (
        f"Validation loss turned up after epoch {best + 1}, from {least:.3f} to {losses[-1]:.3f}, while "
        "training loss fell."
    )


def _drop(result: Result, adjusted: float, confidence: float) -> str:
    if adjusted > 1 - confidence:
        return ""
    return (
        f"Accuracy falls from {percent(result.val_accuracy)} on validation to {percent(result.accuracy)} on "
        "test, more than chance explains."
    )


def _drop_p_value(result: Result, units: Units) -> float:
    """One-sided p-value of the score test that validation and test accuracy are equal.

    Where test images come in groups, both splits are taken to hold as much less as the test split does.
    """
    tested = len(result.correct)
    validated = result.val_images or tested
    pooled = (result.val_accuracy * validated + result.accuracy * tested) / (validated + tested)
    chance = max(0.0, pooled * (1 - pooled)) * (1 / validated + 1 / tested)
    if math.isnan(pooled) or chance == 0:
        return 1.0
    alone = result.accuracy * (1 - result.accuracy) / tested
    effect = 1.0  # of the design, as Kish (1965) calls it
    if units.count and alone > 0:
        effect = max(1.0, accuracy(result.correct[:, None], None, units).image_variance / alone)
    return float(ndtr(-(result.val_accuracy - result.accuracy) / math.sqrt(chance * effect)))
