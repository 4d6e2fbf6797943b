"""Curves beyond the data: where the truth is known the range holds it as often as it claims."""

import numpy as np
import pytest

from benchmarks.plan_simulation import IMAGES, TIMES, simulated
from headstart.pipeline.forecast import curve, scores

SIZES = np.array([60, 90, 130, 190, 280, 410, 600])


def _replicates(values, spread=0.01, seed=0):
    """What other images would give: all numbers of images a little better or worse together."""
    rng = np.random.default_rng(seed)
    return values + spread * rng.normal(size=(200, 1)) + 0.002 * rng.normal(size=(200, len(values)))


def _fit(error, **options):
    values = 1 - error(SIZES)
    return curve.fit(SIZES, values, _replicates(values, **options), 0)


@pytest.mark.slow
def test_the_range_holds_the_truth_of_most_of_twenty_simulated_curves():
    held, misses = 0, []
    for seed in range(20):
        measured, truth = simulated(seed)
        found = curve.fit(measured.sizes, *scores.resampled(measured, scores.accuracy, 0, 120), 0)
        low, middle, high = np.quantile(found.scores(np.array([TIMES * IMAGES])), (0.1, 0.5, 0.9))
        held += low <= truth <= high
        misses.append(abs(middle - truth))
        assert high - low < 0.2
    assert 13 <= held <= 19
    assert np.mean(misses) < 0.04


def test_a_curve_that_is_exactly_a_power_law_is_continued_as_one():
    found = _fit(lambda n: 0.2 * (n / 600) ** -0.5, spread=0.0)
    middle = np.median(found.scores(np.array([600, 2400])), axis=0)
    assert middle[0] == pytest.approx(0.8, abs=0.01)
    assert middle[1] == pytest.approx(0.9, abs=0.025)


def test_the_number_of_images_for_a_target_is_where_the_curve_reaches_it():
    found = _fit(lambda n: 0.2 * (n / 600) ** -0.5)
    needed = found.needed(0.85, 60_000)
    reached = needed[np.isfinite(needed)]
    assert len(reached) > 190
    at = np.array([found.scores(np.array([number]))[row, 0] for row, number in enumerate(needed[:20])])
    assert at == pytest.approx(0.85, abs=0.003)


def test_no_number_of_images_reaches_a_target_above_the_floor():
    found = _fit(lambda n: 0.15 + 0.05 * (n / 600) ** -0.5)
    assert np.isinf(found.needed(0.95, 18_000)).mean() > 0.9


def test_the_range_of_the_error_widens_with_the_distance_from_the_data_as_a_share_of_it():
    found = 1 - _fit(lambda n: 0.2 * (n / 600) ** -0.5).scores(np.array([1200, 9600]))
    low, middle, high = np.quantile(found, (0.1, 0.5, 0.9), axis=0)
    share = (high - low) / middle
    assert share[1] > 1.5 * share[0]


def test_scores_without_any_error_are_continued_without_one():
    found = curve.fit(SIZES, np.ones(7), np.ones((50, 7)), 0)
    assert (found.scores(np.array([6000])) > 0.99).all()


def test_a_curve_that_falls_as_usual_is_not_called_unusual():
    values = 1 - 0.2 * (SIZES / 600) ** -0.5
    assert curve.unusual(SIZES, values, _replicates(values)) == ""


def test_a_rise_of_the_error_is_named():
    values = 1 - 0.2 * (SIZES / 600) ** -0.5
    values[4] -= 0.08
    assert curve.unusual(SIZES, values, _replicates(values)) == "the error rises from 190 to 280 images"


def test_a_late_fall_of_the_error_is_named():
    values = 1 - np.array([0.6, 0.59, 0.58, 0.57, 0.56, 0.3, 0.1])
    told = curve.unusual(SIZES, values, _replicates(values))
    assert told == "the error falls faster beyond 280 images than before"
