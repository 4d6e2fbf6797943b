"""Intervals and tests."""

import math

import numpy as np
import pytest
from scipy import stats

from pipeline.verdict.statistics import Noise, accuracy, difference, draw_noise, holm, mcnemar, pool


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


def test_draws_that_agree_on_every_image_tell_no_more_than_one():
    one = accuracy(right(90, 100), None).interval(0.975)
    three = accuracy(np.repeat(right(90, 100), 3, axis=1), draw_noise(np.repeat(right(90, 100), 3, axis=1)))
    assert three.interval(0.975) == one


def test_the_variance_is_that_of_the_two_way_layout():
    table = np.random.default_rng(0).random((50, 4)) < [0.5, 0.6, 0.8, 0.9]
    images, draws = table.shape
    total = table.mean()
    by_image, by_draw = table.mean(axis=1), table.mean(axis=0)
    image = draws * ((by_image - total) ** 2).sum() / images  # the population's, as Wilson's
    draw = images * ((by_draw - total) ** 2).sum() / (draws - 1)
    rest = ((table - by_image[:, None] - by_draw + total) ** 2).sum() / ((images - 1) * (draws - 1))
    expected = (image + draw - rest) / (images * draws)
    assert accuracy(table, draw_noise(table)).variance == pytest.approx(expected)


def test_three_draws_of_one_arm_give_few_degrees_of_freedom():
    draws = np.concatenate([right(60, 100), right(75, 100), right(90, 100)], axis=1)
    alone, together = draw_noise(draws), pool([draw_noise(draws)] * 3)
    assert accuracy(draws, alone).freedom < accuracy(draws, together).freedom
    assert alone.variance == pytest.approx(together.variance)


def test_a_negative_estimate_of_the_draws_noise_counts_as_none():
    table = right(50, 100)
    assert accuracy(table, Noise(-0.01, 0.0)).variance == accuracy(table, None).variance


def test_arms_that_agree_on_every_image_differ_by_nothing_within_an_interval():
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


def test_mcnemar_is_the_exact_sign_test_of_the_discordant_images():
    assert mcnemar(10, 2) == pytest.approx(2 * (1 + 12 + 66) / 2**12)
    assert mcnemar(3, 17) == pytest.approx(stats.binomtest(3, 20).pvalue)
    assert mcnemar(4, 4) == 1
    assert mcnemar(0, 0) == 1


def test_holm_multiplies_the_smallest_by_the_number_of_tests_and_never_falls():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []
