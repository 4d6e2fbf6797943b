"""What draws of a training differ by: measured where a cell has several, borrowed or assumed elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from headstart.pipeline.verdict.statistics import Noise
from headstart.pipeline.verdict.units import Units

# Variance of one draw's expected accuracy as a share of p (1 - p): what two draws of the studies in
# docs/results.md differ by on about a tenth of the images, on average and at most. USUAL is 2 points at 90 %,
# ASSUMED 3. Each counts for some degrees of freedom.
USUAL, USUAL_FREEDOM = 0.005, 4.0  # fills up what a study measures
ASSUMED, ASSUMED_FREEDOM = 0.01, 2.0  # stands alone, where no cell of a study has two draws
BORROWED = 2.0  # degrees of freedom that the spreads of other strategies count for, at most
ENOUGH = 6.0  # degrees of freedom that need no filling up
GAP = 0.1  # a run whose validation accuracy is this far below another draw's may have collapsed,
FAR = 0.05  # if draws so far apart have at most this probability beside the other cells
TOO_FAR = 0.01  # a cell whose draws are so improbably far apart on the test split is no measure for others


@dataclass(frozen=True)
class Spread:
    """How far the draws of a cell lie apart."""

    variance: float  # unbiased, of one draw's expected accuracy; may be negative
    chance: float  # variance of a draw's accuracy by its answers on the test images alone
    freedom: float

    def over(self, scale: float) -> Spread:
        """The same, of a variance that is `scale` times smaller."""
        return Spread(self.variance / scale, self.chance / scale, self.freedom)


def spread(table: np.ndarray, units: Units) -> Spread | None:
    """What draws differ by beyond the chance of their answers on the test images; None for fewer than two.

    Args:
        table: answers, or differences of answers, [test images, draws].
        units: of the test images.
    """
    images, draws = table.shape
    if draws < 2 or images < 2:
        return None
    values = table.astype(float)
    by_draw = values.mean(axis=0)
    residual = units.totals(values - values.mean(axis=1, keepdims=True) - by_draw + values.mean())
    count = len(residual)
    if count < 2:
        return None
    chance = float((residual**2).sum()) * count / ((count - 1) * (draws - 1)) / images**2
    return Spread(float(by_draw.var(ddof=1)) - chance, chance, draws - 1)


def usual(accuracy: float) -> Spread:
    """What draws of a training of that accuracy usually differ by, on a tenth of the images."""
    return Spread(USUAL * accuracy * (1 - accuracy), 0.0, USUAL_FREEDOM)


def assumed(accuracy: float) -> Spread:
    """The same on the safe side, for a study in which no cell tells."""
    return Spread(ASSUMED * accuracy * (1 - accuracy), 0.0, ASSUMED_FREEDOM)


def too_wide(variance: float, freedom: float, usual_variance: float, probability: float) -> bool:
    """Whether draws lie farther apart than is usual, by the chi-square test of a variance."""
    return variance > usual_variance * float(chdtri(freedom, probability)) / freedom


def combine(own: Sequence[Spread], others: Sequence[Spread], prior: Spread) -> Noise:
    """The noise of one draw: own spreads, those of others up to `BORROWED`, the prior up to `ENOUGH`.

    Each counts by its degrees of freedom, as in the moderated variances of Smyth (2004,
    doi:10.2202/1544-6115.1027): a spread of two draws says little, so that what is known beside it counts.
    """
    shared = sum(one.freedom for one in others)
    part = min(1.0, BORROWED / shared) if shared else 0.0
    parts = [(one, one.freedom, one.freedom) for one in own]
    parts += [(one, part * one.freedom, one.freedom) for one in others]
    missing = min(prior.freedom, max(0.0, ENOUGH - sum(weight for _, weight, _ in parts)))
    if missing:
        parts.append((prior, missing, missing))
    whole = sum(weight for _, weight, _ in parts)
    variance = max(0.0, sum(weight * one.variance for one, weight, _ in parts) / whole)
    error = sum(weight**2 * 2 * (variance + one.chance) ** 2 / freedom for one, weight, freedom in parts)
    return Noise(variance, error / whole**2, whole)
