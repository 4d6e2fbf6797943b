"""From scores at several numbers of training images to what they become with more: many possible curves.

error(n) = v / (1 + k v) with v = o (f + (1 - f) (n / n0)^-c), where n0 is the largest number of images that
was measured, and f the share of v that no number of images removes. With k = 0 this is the usual a + b n^-c.
With k = 1 the odds of an error fall so, and no error exceeds 1, which matters where few images leave many.
One curve is fitted to each bootstrap replicate, with the priors' centres moved at random ("randomise, then
optimise"): together they are a sample of the curves that the scores allow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.optimize import least_squares
from scipy.special import expit, logit

RANGE = (0.1, 0.9)  # quantiles: an 80 % range

# Weak priors, as normal distributions. Learning curves of images fall with a power of about 0.5 of their
# number (Hoiem et al., 2010.11029). A fit from small data tends to promise too much (Mahmood et al.,
# 2207.01725), as the floor hardly shows in it: the prior of the floor is the correction. docs/plan.md says
# how the widths were set, and what the back-test gives without the floor.
_CENTRES = np.array([logit(0.2), np.log(0.5), 0.0])  # of logit f, log c, logit k
_WIDTHS = np.array([0.6, 0.3, 1.5])
_LEAST_ERROR = 1e-3

# What no replicate shows: a curve is not quite of this form (share of the error), and what it does beyond the
# data cannot be seen in them (change of log v with each doubling).
_MISFIT = 0.01
_DRIFT = 0.015

_SURE = 0.99  # of the replicates that must show an unusual shape
_VISIBLE = 0.005  # error; a smaller bump is of no interest


@dataclass(frozen=True)
class Curves:
    """A sample of the curves that the scores allow; every array is float64 [curves]."""

    images: float  # n0
    last: np.ndarray  # o
    floor: np.ndarray  # f
    power: np.ndarray  # c
    bend: np.ndarray  # k
    drift: np.ndarray  # change of log v with each doubling beyond n0

    def scores(self, images: np.ndarray) -> np.ndarray:
        """Score by curve and number of images, float64 [curves, numbers]."""
        ratio = np.asarray(images, float) / self.images
        last, floor, power, bend, drift = (
            one[:, None] for one in (self.last, self.floor, self.power, self.bend, self.drift)
        )
        moved = last * np.exp(drift * np.log2(np.maximum(ratio, 1.0)))
        return 1 - np.minimum(_error(ratio, moved, floor, power, bend), 1.0)

    def needed(self, target: float, most: float) -> np.ndarray:
        """The least number of images at which each curve reaches a score; infinite beyond `most`."""
        grid = np.geomspace(self.images / 16, most, 2000)
        reached = self.scores(grid) >= target
        return np.where(reached.any(axis=1), grid[reached.argmax(axis=1)], np.inf)


def fit(sizes: np.ndarray, scores: np.ndarray, replicates: np.ndarray, seed: int) -> Curves:
    """Sample the curves that the scores allow.

    Args:
        sizes: int64 [sizes], ascending: training images.
        scores: float64 [sizes], 0…1: what was measured; it scales the misfit that is allowed for.
        replicates: float64 [replicates, sizes]: the same with other images and other draws.
        seed: of the priors and the drift.
    """
    rng = np.random.default_rng(seed)
    errors, misfit = np.maximum(1 - replicates, _LEAST_ERROR), _MISFIT * np.maximum(1 - scores, _LEAST_ERROR)
    noise = np.cov(errors, rowvar=False) + np.diag(np.square(misfit))
    whiten = linalg.inv(linalg.cholesky(noise, lower=True))
    found = np.array(
        [
            _one(
                sizes / sizes[-1],
                row + misfit * rng.standard_normal(len(sizes)),
                whiten,
                _CENTRES + _WIDTHS * rng.standard_normal(len(_CENTRES)),
            )
            for row in errors
        ]
    )
    drift = _DRIFT * rng.standard_normal(len(found))
    return Curves(float(sizes[-1]), *_shape(found.T), drift)


def _one(ratio: np.ndarray, errors: np.ndarray, whiten: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The curve that fits one replicate best: log o, logit f, log c and logit k."""

    def residuals(parameters: np.ndarray) -> np.ndarray:
        misses = whiten @ (_error(ratio, *_shape(parameters)) - errors)
        return np.concatenate([misses, (parameters[1:] - centres) / _WIDTHS])

    bounds = [-12.0, -9.0, -4.0, -8.0], [7.0, 9.0, 2.0, 8.0]
    start = np.clip([np.log(max(errors[-1], _LEAST_ERROR)), *centres], *bounds)
    return least_squares(residuals, start, bounds=bounds, max_nfev=60).x


def _shape(parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """From log o, logit f, log c and logit k to o, f, c and k."""
    last, floor, power, bend = parameters
    return np.exp(last), expit(floor), np.exp(power), expit(bend)


def _error(
    ratio: np.ndarray, last: np.ndarray, floor: np.ndarray, power: np.ndarray, bend: np.ndarray
) -> np.ndarray:
    value = last * (floor + (1 - floor) * ratio**-power)
    return value / (1 + bend * value)


def unusual(sizes: np.ndarray, scores: np.ndarray, replicates: np.ndarray) -> str:
    """How a curve does not fall the usual way (LCDB 1.1, 2505.15657): part of a sentence, empty if it does.

    Args:
        sizes: as in `fit`.
        scores: as in `fit`.
        replicates: as in `fit`.
    """
    errors, sampled = 1 - scores, 1 - replicates
    for first, second in zip(range(len(sizes)), range(1, len(sizes))):
        rise = sampled[:, second] - sampled[:, first]
        if errors[second] - errors[first] > _VISIBLE and (rise > 0).mean() >= _SURE:
            return f"the error rises from {sizes[first]:,} to {sizes[second]:,} images"
    for middle in range(1, len(sizes) - 1):
        left, right = sizes[middle - 1], sizes[middle + 1]
        share = (sizes[middle] - left) / (right - left)

        def bulge(values: np.ndarray, at: int = middle, share: float = share) -> np.ndarray:
            return values[..., at] - (1 - share) * values[..., at - 1] - share * values[..., at + 1]

        if bulge(errors) > _VISIBLE and (bulge(sampled) > 0).mean() >= _SURE:
            return f"the error falls faster beyond {sizes[middle]:,} images than before"
    return ""
