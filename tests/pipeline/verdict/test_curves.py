"""Learning curves."""

import math

import numpy as np
import pytest
from scipy.optimize import nnls

from headstart.pipeline.verdict.curves import GAMMAS, _least_squares, fit, reach, reach_between
from headstart.pipeline.verdict.findings import Interval


def test_a_level_is_reached_between_two_subsets_in_the_logarithm_of_the_images():
    assert reach([10, 1000], [0.5, 0.9], 0.7) == pytest.approx(100)


def test_a_level_that_the_smallest_subset_has_is_reached_there():
    assert reach([10, 1000], [0.7, 0.9], 0.7) == 10


def test_a_level_that_a_subset_has_exactly_is_reached_there_in_spite_of_rounding():
    assert reach([10, 100, 1000], [0.5, 0.85 - 0.9 + 0.05, 0.9], 0.0) == 10
    assert reach([10, 100], [-0.1, 0.85 - 0.9 + 0.05], 0.0) == pytest.approx(100)


def test_a_level_above_the_curve_is_never_reached():
    assert reach([10, 1000], [0.5, 0.9], 0.95) == math.inf
    assert reach([], [], 0.5) == math.inf


def test_the_range_is_that_of_the_bounds_and_starts_at_0_where_the_smallest_subset_may_be_enough():
    curve = [Interval(0.5, 0.3, 0.7), Interval(0.9, 0.7, 1.0)]
    found = reach_between([10, 1000], curve, 0.7)
    assert (found.value, found.low, found.high) == pytest.approx((100, 0, 1000))


@pytest.mark.parametrize(("alpha", "eta", "gamma"), [(0.05, 2.0, -0.5), (0.02, 0.8, -0.3), (0.1, 5.0, -0.8)])
def test_a_fit_recovers_the_curve_that_made_the_points(alpha, eta, gamma):
    images = np.array([13, 63, 126, 314, 1257])
    found = fit(images, alpha + eta * images**gamma, np.full(5, 1e-10))
    assert (found.alpha, found.eta, found.gamma) == pytest.approx((alpha, eta, gamma), abs=1e-6)
    assert found.residual == pytest.approx(0, abs=1e-9)
    assert found.weak == ""
    assert found.images_for(found.error(500)) == pytest.approx(500)


def test_data_reliance_is_the_slope_in_the_root_of_fewer_images():
    found = fit([10, 50, 200, 1000], [0.05 + 2 * n**-0.5 for n in (10, 50, 200, 1000)], [1e-10] * 4)
    step = 1e-6
    slope = (found.error(1000 / (1 + step) ** 2) - found.error(1000)) / step
    assert found.data_reliance(1000) == pytest.approx(slope, rel=1e-4)


def test_noisy_points_leave_the_exponent_near_what_theory_suggests():
    found = fit([10, 100, 1000, 10000], [0.4, 0.3, 0.2, 0.1], [0.1] * 4)
    assert found.gamma == pytest.approx(-0.5)


def test_a_fit_says_why_it_is_weak():
    assert "3 subset sizes" in fit([10, 100, 1000], [0.4, 0.2, 0.1], [1e-4] * 3).weak
    assert "does not fall" in fit([10, 50, 100, 500], [0.1, 0.2, 0.3, 0.4], [1e-4] * 4).weak
    assert "noise" in fit([10, 50, 100, 500, 1000], [0.4, 0.1, 0.5, 0.1, 0.3], [1e-4] * 5).weak
    assert fit([10, 100], [0.4, 0.2], [1e-4] * 2) is None


def test_an_error_below_the_asymptote_takes_more_images_than_there_are():
    found = fit([10, 50, 200, 1000], [0.05 + 2 * n**-0.5 for n in (10, 50, 200, 1000)], [1e-10] * 4)
    assert found.images_for(0.01) == math.inf


@pytest.mark.parametrize("seed", range(5))
def test_least_squares_agree_with_scipys(seed):
    rng = np.random.default_rng(seed)
    sizes, errors = np.array([10.0, 50, 200, 1000]), rng.random(4)
    weights = rng.random(4) + 0.1
    alpha, eta = _least_squares(sizes ** GAMMAS[:, None], errors, weights / weights.sum())
    for place in (0, 50, 98):
        design = np.column_stack([np.ones(4), sizes ** GAMMAS[place]])
        expected, _ = nnls(design * np.sqrt(weights)[:, None], errors * np.sqrt(weights))
        assert (alpha[place], eta[place]) == pytest.approx(tuple(expected), abs=1e-8)
