"""Intervals and tests."""

import math

import numpy as np
import pytest
from scipy import stats

from headstart.pipeline.verdict.statistics import Noise, accuracy, difference, holm
from headstart.pipeline.verdict.units import Units


def right(count, of):
    return (np.arange(of) < count)[:, None]


def test_one_draw_has_wilsons_interval():
    interval = accuracy(right(90, 100), None).interval(0.975)
    assert (interval.low, interval.high) == pytest.approx((0.82563, 0.94477), abs=1e-5)
    reference = stats.binomtest(90, 100).proportion_ci(method="wilson")
    assert (interval.low, interval.high) == pytest.approx((reference.low, reference.high))


def test_an_accuracy_of_1_in_every_draw_has_an_interval_below_it():
    interval = accuracy(np.ones((300, 3), bool), Noise(0.0, 0.0)).interval(0.975)
    assert interval.low == pytest.approx(1 / (1 + 1.959964**2 / 300))
    assert interval.high == pytest.approx(1)


def test_strategies_that_agree_on_every_image_differ_by_nothing_within_an_interval():
    found = difference(right(90, 100), right(90, 100), [])
    interval = found.interval(0.975)
    assert found.value == 0
    assert interval.low == pytest.approx(-1.959964 * math.sqrt(2 / 102 / 102))
    assert interval.high == -interval.low
    assert found.p_value == pytest.approx(1.0)


def test_a_paired_difference_has_bonett_and_prices_variance():
    first, second = right(70, 100), np.roll(right(60, 100), 20)
    only_first, only_second = (first & ~second).sum(), (second & ~first).sum()
    assert (only_first, only_second) == (20, 10)
    found = difference(first, second, [])
    shares = np.array([only_first + 1, only_second + 1]) / 102
    assert found.value == pytest.approx(0.1)
    assert found.variance == pytest.approx((shares.sum() - (shares[0] - shares[1]) ** 2) / 102)


def test_holm_multiplies_the_smallest_by_the_number_of_tests_and_never_falls():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_weighted_holm_begins_with_the_shares_and_hands_on_what_is_decided():
    # 0.03 is tested at 3/4 of the error rate, then 0.045 at all of it.
    assert holm([0.045, 0.03], [0.25, 0.75]) == pytest.approx([0.045, 0.04])
    assert holm([0.01, 0.9], [0.25, 0.75]) == pytest.approx([0.04, 0.9])


def test_copies_of_an_image_in_a_group_tell_no_more_than_the_image():
    alone = np.random.default_rng(0).random((60, 2)) < 0.8
    copied, groups = np.repeat(alone, 5, axis=0), np.repeat(np.arange(60), 5)
    one, five = accuracy(alone, None), accuracy(copied, None, Units(groups))
    assert five.value == one.value
    assert five.image_variance == pytest.approx(one.image_variance * 60 / 59)
    assert five.freedom == pytest.approx(59)
    assert accuracy(copied, None).image_variance == pytest.approx(one.image_variance / 5)


def test_groups_of_one_image_are_no_groups():
    table = right(90, 100)
    assert accuracy(table, None, Units([f"image {n}" for n in range(100)])) == accuracy(table, None)


def test_independent_images_in_groups_have_about_the_variance_of_images():
    first, second = (np.random.default_rng(n).random((3000, 1)) < 0.7 for n in (1, 2))
    grouped = difference(first, second, [], Units(np.arange(3000) // 3))
    assert grouped.image_variance == pytest.approx(difference(first, second, []).image_variance, rel=0.1)


def test_an_accuracy_of_1_in_groups_counts_the_groups():
    found = accuracy(np.ones((300, 1), bool), None, Units(np.arange(300) // 5)).interval(0.975)
    assert found.low == pytest.approx(accuracy(np.ones((60, 1), bool), None).interval(0.975).low, abs=0.01)
