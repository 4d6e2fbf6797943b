"""Learning curves: where they reach a level, and the fit error(n) = alpha + eta n^gamma."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.pipeline.verdict.findings import Interval

TOLERANCE = 1e-9  # figures that differ by less are equal: 0.85 - 0.9 + 0.05 is not 0 in floating point
PRIOR = 5.0  # weight of |gamma + 0.5|, as in the authors' code
GAMMAS = np.round(np.arange(-0.99, 0.0, 0.01), 2)
FEW = 4  # subset sizes, under which three parameters are not to be leant on


def reach(images: Sequence[float], values: Sequence[float], level: float) -> float:
    """Images at which a curve first reaches a level, linear in log(images) between its points.

    Returns:
        The first number of images where the curve starts at the level or above, infinity where it never gets
        there.
    """
    for place, value in enumerate(values):
        if value < level - TOLERANCE:
            continue
        if place == 0 or value <= level:
            return float(images[place])
        before = values[place - 1]
        part = (level - before) / (value - before)
        return math.exp(np.interp(part, [0, 1], np.log([images[place - 1], images[place]])))
    return math.inf


def reach_between(images: Sequence[float], curve: Sequence[Interval], level: float) -> Interval:
    """`reach`, and the same on the curves of the upper and the lower bounds.

    The lower bound is 0 where the upper bounds' curve starts at the level or above: nobody tried fewer.
    """
    low = reach(images, [point.high for point in curve], level)
    return Interval(
        value=reach(images, [point.value for point in curve], level),
        low=0.0 if images and low <= images[0] else low,
        high=reach(images, [point.low for point in curve], level),
    )


@dataclass(frozen=True)
class Fit:
    """error(n) = alpha + eta n^gamma, with what there is to say against it."""

    alpha: float
    eta: float
    gamma: float
    residual: float  # root mean square, of accuracy
    weak: str

    def error(self, images: float) -> float:
        """e_N, the error at N images."""
        return float(self.alpha + self.eta * images**self.gamma)

    def data_reliance(self, images: float) -> float:
        """beta_N = -2 gamma eta N^gamma.

        Near N the error is e_N + beta_N (sqrt(N/n) - 1): beta_N is its derivative in x = sqrt(N/n) at x = 1.
        """
        return float(-2 * self.gamma * self.eta * images**self.gamma)

    def images_for(self, error: float) -> float:
        """Images at which the fit has that error; infinity where it never gets there."""
        if error <= self.alpha or self.eta <= 0:
            return math.inf if error < self.alpha or self.eta > 0 else 0.0
        return float(((error - self.alpha) / self.eta) ** (1 / self.gamma))


def fit(images: Sequence[float], errors: Sequence[float], variances: Sequence[float]) -> Fit | None:
    """Fit a learning curve as Hoiem et al. (2021, arXiv:2010.11029) do.

    For each gamma in -0.99, -0.98 … -0.01, alpha and eta >= 0 are found by weighted least squares; the gamma
    with the least chi-square plus 5 |gamma + 0.5| wins: with few or noisy points the exponent is near the
    -0.5 that theory suggests.

    Args:
        images: of the subsets, increasing.
        errors: mean test error on each, 0…1.
        variances: of those means.

    Returns:
        None for fewer than three subsets.
    """
    if len(images) < 3:
        return None
    sizes, observed = np.asarray(images, float), np.asarray(errors, float)
    variance = np.maximum(np.asarray(variances, float), 1e-12)
    weights = 1 / variance
    weights /= weights.sum()
    powers = sizes ** GAMMAS[:, None]
    alpha, eta = _least_squares(powers, observed, weights)
    errors_left = alpha[:, None] + eta[:, None] * powers - observed
    chi_square = (errors_left**2 / variance).sum(axis=1)
    best = int(np.argmin(chi_square + PRIOR * np.abs(GAMMAS + 0.5)))
    residual = float(np.sqrt(np.mean(errors_left[best] ** 2)))
    weak = _weak(len(images), GAMMAS[best], eta[best], chi_square[best])
    return Fit(float(alpha[best]), float(eta[best]), float(GAMMAS[best]), residual, weak)


def _least_squares(
    powers: np.ndarray, errors: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted least squares of errors = alpha + eta * powers under alpha, eta >= 0, for every row of powers.

    With errors >= 0 and powers > 0 the answer is that without bounds or, where that is negative, the better
    of alpha = 0 and eta = 0; `scipy.optimize.nnls` finds the same, row by row and much slower.
    """
    mean, middle = errors @ weights, powers @ weights
    centred = powers - middle[:, None]
    slope = (centred * errors) @ weights / (centred**2 @ weights)
    free = np.stack([mean - slope * middle, slope])
    through = np.stack([np.zeros_like(middle), (powers * errors) @ weights / (powers**2 @ weights)])
    flat = np.stack([np.full_like(middle, mean), np.zeros_like(middle)])
    candidates = np.stack([free, through, flat])
    left = candidates[:, 0, :, None] + candidates[:, 1, :, None] * powers - errors
    cost = left**2 @ weights
    cost[0, (free < 0).any(axis=0)] = np.inf
    chosen = candidates[np.argmin(cost, axis=0), :, np.arange(len(powers))]
    return chosen[:, 0], chosen[:, 1]


def _weak(sizes: int, gamma: float, eta: float, chi_square: float) -> str:
    reasons = []
    if sizes < FEW:
        reasons.append(f"{sizes} subset sizes carry three parameters")
    if eta <= TOLERANCE:
        reasons.append("the error does not fall with more images")
    elif gamma in (GAMMAS[0], GAMMAS[-1]):
        reasons.append(f"the exponent is at the end of its range ({gamma:.2f})")
    if chi_square > 4 * max(1, sizes - 2):  # twice the standard error, root mean square
        reasons.append("the points lie farther from the curve than their noise explains")
    return "; ".join(reasons)
