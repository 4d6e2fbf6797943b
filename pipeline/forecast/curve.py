"""From scores at several numbers of training images to what they become with more: many possible curves.

error(n) = e (f + (1 - f) (n / n0)^-c), where n0 is the largest number of images that was measured, e the
error there, f the share of it that no number of images removes. One curve is fitted to each bootstrap
replicate, with the priors' centres moved at random ("randomise, then optimise"): together they are a sample
of the curves that the scores allow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.optimize import least_squares
from scipy.special import expit, logit

RANGE = (0.1, 0.9)  # quantiles: an 80 % range

# Weak priors, as normal distributions. Learning curves of images fall with a power of 0.2 to 0.8 of their
# number (Hoiem et al., 2010.11029, section 4).
_POWER = np.log(0.5), 0.5  # of log c
_FLOOR = logit(0.2), 1.0  # of logit f
_LEAST_ERROR = 1e-3

# What no replicate shows: a curve is not quite of this form (share of the error), and what it does beyond the
# data cannot be seen in them (change of the log error with each doubling).
_MISFIT = 0.03
_DRIFT = 0.05

_SURE = 0.99  # of the replicates that must show an unusual shape
_VISIBLE = 0.005  # error; a smaller bump is of no interest


@dataclass(frozen=True)
class Curves:
    """A sample of the curves that the scores allow; every array is float64 [curves]."""

    images: float  # n0
    error: np.ndarray  # e
    floor: np.ndarray  # f
    power: np.ndarray  # c
    drift: np.ndarray  # change of the log error with each doubling beyond n0

    def scores(self, images: np.ndarray) -> np.ndarray:
        """Score by curve and number of images, float64 [curves, numbers]."""
        ratio = np.asarray(images, float) / self.images
        falling = self.floor[:, None] + (1 - self.floor[:, None]) * ratio ** -self.power[:, None]
        beyond = np.log2(np.maximum(ratio, 1.0))
        return 1 - np.minimum(1.0, self.error[:, None] * falling * np.exp(self.drift[:, None] * beyond))

    def needed(self, target: float, most: float) -> np.ndarray:
        """The least number of images at which each curve reaches a score; infinite where none up to `most`."""
        grid = np.geomspace(self.images / 16, most, 2000)
        reached = self.scores(grid) >= target
        return np.where(reached.any(axis=1), grid[reached.argmax(axis=1)], np.inf)


def fit(sizes: np.ndarray, scores: np.ndarray, replicates: np.ndarray, seed: int) -> Curves:
    """Sample the curves that the scores allow.

    Args:
        sizes: int64 [sizes], ascending: training images.
        scores: float64 [sizes], 0…1: what was measured; it is not fitted, but says how sure replicates are.
        replicates: float64 [replicates, sizes]: the same with other images and other draws.
        seed: of the priors and the drift.
    """
    rng = np.random.default_rng(seed)
    errors = np.maximum(1 - replicates, _LEAST_ERROR)
    misfit = _MISFIT * np.maximum(1 - scores, _LEAST_ERROR)
    noise = np.cov(errors, rowvar=False).reshape(len(sizes), len(sizes)) + np.diag(np.square(misfit))
    whiten = linalg.inv(linalg.cholesky(noise, lower=True))
    ratio = sizes / sizes[-1]
    found = np.array(
        [
            _one(
                ratio,
                row + misfit * rng.standard_normal(len(sizes)),
                whiten,
                _POWER[0] + _POWER[1] * rng.standard_normal(),
                _FLOOR[0] + _FLOOR[1] * rng.standard_normal(),
            )
            for row in errors
        ]
    )
    drift = _DRIFT * rng.standard_normal(len(found))
    return Curves(float(sizes[-1]), np.exp(found[:, 0]), expit(found[:, 1]), np.exp(found[:, 2]), drift)


def _one(ratio: np.ndarray, errors: np.ndarray, whiten: np.ndarray, power: float, floor: float) -> np.ndarray:
    """log e, logit f and log c of the curve that fits one replicate best."""

    def residuals(parameters: np.ndarray) -> np.ndarray:
        error, share, slope = np.exp(parameters[0]), expit(parameters[1]), np.exp(parameters[2])
        curve = error * (share + (1 - share) * ratio**-slope)
        priors = (parameters[1] - floor) / _FLOOR[1], (parameters[2] - power) / _POWER[1]
        return np.concatenate([whiten @ (curve - errors), priors])

    start = [np.log(max(errors[-1], _LEAST_ERROR)), floor, power]
    return least_squares(residuals, start, bounds=([-12, -8, -4], [0.7, 6, 2]), max_nfev=60).x


def unusual(sizes: np.ndarray, scores: np.ndarray, replicates: np.ndarray) -> str:
    """How a curve does not fall the usual way (LCDB 1.1, 2505.15657), as part of a sentence; empty if it does.

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
