"""From scores at several numbers of training images to what they become with more: many possible curves.

odds(n) = o (f + (1 - f) (n / n0)^-c), where odds are error / (1 - error), n0 is the largest number of images
that was measured, o the odds there, f the share of them that no number of images removes. Where errors are
small this is the usual a + b n^-c; odds take into account that an error cannot exceed 1, where few images
are. One curve is fitted to each bootstrap replicate, with the priors' centres moved at random ("randomise,
then optimise"): together they are a sample of the curves that the scores allow.
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
# 2207.01725), as the floor hardly shows in it: the prior of the floor is the correction. docs/plan.md has
# what the back-test gives without it.
_POWER = np.log(0.5), 0.5  # of log c
_FLOOR = logit(0.2), 1.0  # of logit f
_LEAST_ERROR = 1e-3

# What no replicate shows: a curve is not quite of this form (share of the odds), and what it does beyond the
# data cannot be seen in them (change of the log odds with each doubling).
_MISFIT = 0.03
_DRIFT = 0.03

_SURE = 0.99  # of the replicates that must show an unusual shape
_VISIBLE = 0.005  # error; a smaller bump is of no interest


@dataclass(frozen=True)
class Curves:
    """A sample of the curves that the scores allow; every array is float64 [curves]."""

    images: float  # n0
    odds: np.ndarray  # o
    floor: np.ndarray  # f
    power: np.ndarray  # c
    drift: np.ndarray  # change of the log odds with each doubling beyond n0

    def scores(self, images: np.ndarray) -> np.ndarray:
        """Score by curve and number of images, float64 [curves, numbers]."""
        ratio = np.asarray(images, float) / self.images
        falling = self.floor[:, None] + (1 - self.floor[:, None]) * ratio ** -self.power[:, None]
        beyond = np.log2(np.maximum(ratio, 1.0))
        return 1 / (1 + self.odds[:, None] * falling * np.exp(self.drift[:, None] * beyond))

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
    odds, misfit = _odds(replicates), _MISFIT * _odds(scores)
    noise = np.cov(odds, rowvar=False) + np.diag(np.square(misfit))
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
            for row in odds
        ]
    )
    drift = _DRIFT * rng.standard_normal(len(found))
    return Curves(float(sizes[-1]), np.exp(found[:, 0]), expit(found[:, 1]), np.exp(found[:, 2]), drift)


def _odds(scores: np.ndarray) -> np.ndarray:
    errors = np.clip(1 - scores, _LEAST_ERROR, 1 - _LEAST_ERROR)
    return errors / (1 - errors)


def _one(ratio: np.ndarray, odds: np.ndarray, whiten: np.ndarray, power: float, floor: float) -> np.ndarray:
    """The curve that fits one replicate best: log o, logit f and log c."""

    def residuals(parameters: np.ndarray) -> np.ndarray:
        last, share, slope = np.exp(parameters[0]), expit(parameters[1]), np.exp(parameters[2])
        curve = last * (share + (1 - share) * ratio**-slope)
        priors = (parameters[1] - floor) / _FLOOR[1], (parameters[2] - power) / _POWER[1]
        return np.concatenate([whiten @ (curve - odds), priors])

    start = [np.log(max(odds[-1], _LEAST_ERROR)), floor, power]
    bounds = [-12.0, -9.0, -4.0], [7.0, 9.0, 2.0]
    return least_squares(residuals, np.clip(start, *bounds), bounds=bounds, max_nfev=60).x


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
