"""Intervals of proportions."""

import pytest

from components.evaluator.results import _slice, wilson


def test_the_interval_is_wilsons():
    # 8 of 10: centre (0.8 + 1.9208/10) / 1.38415 = 0.71674, half width 0.22657 (computed by hand).
    assert wilson(0.8, 10) == pytest.approx((0.49016, 0.94331), abs=1e-4)


def test_it_stays_within_zero_and_one():
    assert wilson(0.0, 20)[0] == 0.0
    assert wilson(1.0, 20) == (pytest.approx(0.8389, abs=1e-3), 1.0)
    assert wilson(0.0, 0) == (0.0, 1.0)


def test_an_accuracy_is_the_exact_quotient_of_its_counts():
    """254 of 269 in float32 is a little more than in float64: a tie would look like a gain."""
    values = {
        "": {"": {"example_count": {"doubleValue": 269.0}, "accuracy": {"doubleValue": 0.9442379474639893}}}
    }
    assert _slice((), values).metrics == {"accuracy": 254 / 269}
