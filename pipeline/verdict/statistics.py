"""Intervals and tests for accuracies on the same test images.

A strategy's answers on a subset are a table, test images × draws, of right and wrong. The images are a
sample, and so are the draws, so the variance of the table's mean has a part of each: the two-way layout of
multi-reader studies (Dorfman, Berbaum and Metz 1992, doi:10.1097/00004424-199209000-00015), with
Satterthwaite's degrees of freedom as in Hillis (2007, doi:10.1002/sim.2532). Where test images come in
groups, the images' part is the sandwich with group totals (Liang and Zeger 1986,
doi:10.1093/biomet/73.1.13). The formulas: docs/verdict.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from headstart.components.shared.statistics import wilson
from headstart.pipeline.verdict.findings import Interval
from headstart.pipeline.verdict.units import Units

EACH = Units()  # every test image its own unit


@dataclass(frozen=True)
class Noise:
    """Estimated variance of one draw's expected accuracy, and the variance of that estimate.

    `freedom` are the degrees of freedom of all that the estimate was made of.
    """

    variance: float
    error: float
    freedom: float = 1.0

    def over(self, draws: float) -> Noise:
        """The variance of the mean of that many draws."""
        return Noise(self.variance / draws, self.error / draws**2, self.freedom)


@dataclass(frozen=True)
class Estimate:
    """A mean over test images and draws; `images` are those of the test split.

    `image_variance` and `draw_variance` are the parts of the variance of the mean; `units` are the
    independent ones among the images.
    """

    value: float
    images: float
    units: float
    image_variance: float
    draw_variance: float
    freedom: float

    @property
    def variance(self) -> float:
        """Of the mean."""
        return self.image_variance + self.draw_variance


class Accuracy(Estimate):
    """A share of right answers."""

    def interval(self, quantile: float) -> Interval:
        """Wilson's score bounds (1927), each at the one-sided `quantile`, for the effective number of images.

        The effective number is that of independent answers with the estimate's variance, as for samples of
        clusters (Korn and Graubard 1998; Dean and Pagano 2015, doi:10.1093/jssam/smv024): it is lower than
        the number of test images where draws differ, higher where they err on different images.
        """
        spread = self.value * (1 - self.value)
        effective = spread / self.variance if spread > 0 and self.variance > 0 else float(self.units)
        z = float(stdtrit(self.freedom, quantile))
        return Interval(self.value, *wilson(self.value, effective, z))


class Difference(Estimate):
    """A difference of two accuracies on the same test images."""

    def interval(self, quantile: float) -> Interval:
        """Bounds, each at the one-sided `quantile`: value ± t · standard error."""
        half = float(stdtrit(self.freedom, quantile)) * math.sqrt(self.variance)
        return Interval(self.value, max(-1.0, self.value - half), min(1.0, self.value + half))

    @property
    def p_value(self) -> float:
        """Two-sided, of no difference."""
        return 2 * min(self.p_worse, 1 - self.p_worse)

    @property
    def p_worse(self) -> float:
        """One-sided, of a difference of 0 or more: small where the first strategy is worse."""
        return float(stdtr(self.freedom, self.value / math.sqrt(self.variance)))


def accuracy(table: np.ndarray, noise: Noise | None, units: Units = EACH) -> Accuracy:
    """The expected accuracy of a strategy, over test images and draws.

    Args:
        table: bool [test images, draws].
        noise: of one draw; None for the trained models themselves, on other test images.
        units: of the test images.
    """
    by_image = table.mean(axis=1)
    deviations = units.totals(by_image - by_image.mean())
    parts = [noise.over(table.shape[1])] if noise else []
    return Accuracy(float(by_image.mean()), *_variances(deviations, float(len(table)), parts, units))


def difference(
    first: np.ndarray, second: np.ndarray, noises: Sequence[Noise], units: Units = EACH
) -> Difference:
    """The expected difference of two strategies' accuracies, first less second.

    The images' part has one image added to each side, so that two strategies that agree on every image still
    have an interval (Bonett and Price 2012, doi:10.3102/1076998611411915). Where images come in groups, the
    two count as much as groups can make of them: their variance times the images of a group.

    Args:
        first: bool [test images, draws].
        second: the same images, its own draws.
        noises: of the means over the draws: one of the paired differences, or one a strategy.
        units: of the test images.
    """
    by_image = first.mean(axis=1) - second.mean(axis=1)
    images = len(by_image) + 2.0
    mean = float(by_image.sum()) / images
    weight = math.sqrt(len(by_image) / units.count) if units.count else 1.0
    deviations = np.append(units.totals(by_image - mean), [weight * (1 - mean), weight * (-1 - mean)])
    return Difference(float(by_image.mean()), *_variances(deviations, images, noises, units))


def _variances(
    deviations: np.ndarray, images: float, noises: Sequence[Noise], units: Units
) -> tuple[float, float, float, float, float]:
    """Images, units, the two parts of the variance of the mean, and Satterthwaite's degrees of freedom.

    The uncertainty of a part counts where it rests on few: draws, or groups of images. Where an estimated
    spread is next to nothing, its error is mostly the chance of the answers it was measured with, and
    Satterthwaite's formula falls below the degrees of freedom of the draws themselves: those are the least.
    """
    count = len(deviations)
    image_part = float(deviations @ deviations) / images**2
    draw_part = sum(noise.variance for noise in noises)
    error = sum(noise.error for noise in noises)
    if units.count > 1:
        image_part *= count / (count - 1)
        error += 2 * image_part**2 / (count - 1)
    freedom = 2 * (image_part + draw_part) ** 2 / error if error > 0 else math.inf
    least = min((noise.freedom for noise in noises), default=1.0)
    return images, float(count), image_part, draw_part, max(freedom, least, 1.0)


def holm(p_values: Sequence[float], weights: Sequence[float] | None = None) -> list[float]:
    """Adjusted p-values that share one error rate over all of them (Holm 1979, jstor.org/stable/4615733).

    Args:
        p_values: of the tests.
        weights: shares of the error rate that each begins with; equal ones if None.
    """
    values = np.asarray(p_values, dtype=float)
    shares = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    order = np.argsort(values / shares)
    left = np.cumsum(shares[order][::-1])[::-1]  # of the tests that are not yet rejected
    steps = np.maximum.accumulate(values[order] * left / shares[order])
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(value) for value in adjusted]
