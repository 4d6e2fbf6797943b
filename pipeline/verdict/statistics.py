"""Intervals and tests for accuracies on the same test images.

An arm's answers on a subset are a table, test images × draws, of right and wrong. The images are a sample,
and so are the draws, so the variance of the table's mean has a part of each: the two-way layout of
multi-reader studies (Dorfman, Berbaum and Metz 1992, doi:10.1097/00004424-199209000-00015), with
Satterthwaite's degrees of freedom as in Hillis (2007, doi:10.1002/sim.2532). The formulas: docs/verdict.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtr, stdtr, stdtrit

from pipeline.verdict.findings import Interval


@dataclass(frozen=True)
class Noise:
    """Estimated variance of one draw's expected accuracy, and the variance of that estimate.

    An unbiased estimate may be negative; it is taken for 0 where it is used.
    """

    variance: float
    error: float

    def over(self, draws: float) -> Noise:
        """The variance of the mean of that many draws."""
        return Noise(self.variance / draws, self.error / draws**2)


@dataclass(frozen=True)
class Estimate:
    """A mean over test images and draws; `images` are those of the test split.

    `image_variance` and `draw_variance` are the parts of the variance of the mean.
    """

    value: float
    images: int
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
        effective = spread / self.variance if spread > 0 and self.variance > 0 else float(self.images)
        z = float(stdtrit(self.freedom, quantile))
        centre = self.value + z**2 / (2 * effective)
        half = z * math.sqrt(spread / effective + z**2 / (4 * effective**2))
        scale = 1 + z**2 / effective
        return Interval(self.value, max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale))


class Difference(Estimate):
    """A difference of two accuracies on the same test images."""

    def interval(self, quantile: float) -> Interval:
        """Bounds, each at the one-sided `quantile`: value ± t · standard error."""
        half = float(stdtrit(self.freedom, quantile)) * math.sqrt(self.variance)
        return Interval(self.value, max(-1.0, self.value - half), min(1.0, self.value + half))

    @property
    def p_value(self) -> float:
        """Two-sided, of no difference."""
        return 2 * float(stdtr(self.freedom, -abs(self.value) / math.sqrt(self.variance)))


def draw_noise(table: np.ndarray) -> Noise | None:
    """What draws differ by beyond the chance of their answers on the test images; None for fewer than two.

    Args:
        table: answers, or differences of answers, [test images, draws].
    """
    images, draws = table.shape
    if draws < 2 or images < 2:
        return None
    values = table.astype(float)
    by_draw = values.mean(axis=0)
    residual = values - values.mean(axis=1, keepdims=True) - by_draw + values.mean()
    chance = float((residual**2).sum()) / ((images - 1) * (draws - 1)) / images
    spread = float(by_draw.var(ddof=1))
    return Noise(spread - chance, 2 * spread**2 / (draws - 1))


def pool(noises: Sequence[Noise]) -> Noise | None:
    """The mean of estimates that are taken to be of one variance: three draws alone tell little of theirs."""
    if not noises:
        return None
    size = len(noises)
    return Noise(sum(n.variance for n in noises) / size, sum(n.error for n in noises) / size**2)


def accuracy(table: np.ndarray, noise: Noise | None) -> Accuracy:
    """The expected accuracy of an arm, over test images and draws.

    Args:
        table: bool [test images, draws].
        noise: of one draw; None where nothing is known of it.
    """
    by_image = table.mean(axis=1)
    parts = [noise.over(table.shape[1])] if noise else []
    value = float(by_image.mean())
    return Accuracy(value, *_variances(by_image, parts))


def difference(first: np.ndarray, second: np.ndarray, noises: Sequence[Noise]) -> Difference:
    """The expected difference of two arms' accuracies, first less second.

    The images' part has one image added to each side, so that two arms that agree on every image still
    have an interval (Bonett and Price 2012, doi:10.3102/1076998611411915).

    Args:
        first: bool [test images, draws].
        second: the same images, its own draws.
        noises: of the means over the draws: one of the paired differences, or one an arm.
    """
    by_image = first.mean(axis=1) - second.mean(axis=1)
    return Difference(float(by_image.mean()), *_variances(np.append(by_image, [1.0, -1.0]), noises))


def _variances(by_image: np.ndarray, noises: Sequence[Noise]) -> tuple[int, float, float, float]:
    """Test images, the two parts of the variance of the mean, and Satterthwaite's degrees of freedom.

    Only the draws are so few that their part's own uncertainty counts; without it the freedom is infinite.
    """
    images = len(by_image)
    image_part = float(by_image.var()) / images
    draw_part = sum(max(0.0, noise.variance) for noise in noises)
    error = sum(noise.error for noise in noises)
    freedom = 2 * (image_part + draw_part) ** 2 / error if error > 0 else math.inf
    return images, image_part, draw_part, max(freedom, 1.0)


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value that two arms err equally often (McNemar 1947, doi:10.1007/BF02295996)."""
    discordant = only_first + only_second
    # scipy.stats.binomtest answers the same; scipy.stats takes a second to import.
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), discordant, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that share one error rate over all of them (Holm 1979, jstor.org/stable/4615733)."""
    values = np.asarray(p_values, dtype=float)
    order = np.argsort(values)
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(steps, 1.0)
    return [float(value) for value in adjusted]
