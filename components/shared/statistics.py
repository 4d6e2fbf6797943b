"""Intervals and tests that components and the pipeline share."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import bdtr

Z95 = 1.959963984540054  # of a two-sided interval of 95 %


def wilson(share: float, count: float, z: float = Z95) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927, doi:10.1080/01621459.1927.10502953).

    Not for images that come in groups, such as several of one person: count the groups, or an effective
    number of images, instead.

    Args:
        share: the observed proportion, 0…1.
        count: the number of independent trials; 0 gives (0, 1).
        z: quantile of the standard normal distribution; the default gives 95 %.
    """
    if not count:
        return 0.0, 1.0
    centre = share + z**2 / (2 * count)
    half = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    scale = 1 + z**2 / count
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def mcnemar(only_first: int, only_second: int) -> float:
    """One-sided exact p-value of McNemar's test (1947, doi:10.1007/BF02295996): is the first one worse?

    Only for two classifiers on the same images, each image independent of the others.

    Args:
        only_first: images that the first classifier alone got right.
        only_second: likewise, the second.
    """
    # scipy.stats.binomtest answers the same; scipy.stats takes a second to import.
    return float(bdtr(only_first, only_first + only_second, 0.5))


def mcnemar_two_sided(first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided exact p-value of McNemar's test: do two classifiers differ?

    Args:
        first: bool [images], whether the first one was right.
        second: bool [images], likewise.
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    return min(1.0, 2 * min(mcnemar(only_first, only_second), mcnemar(only_second, only_first)))
