"""Intervals and tests that components and the pipeline share."""

import numpy as np
import pytest
from scipy import stats

from headstart.components.shared.statistics import mcnemar, mcnemar_two_sided, wilson


def test_the_interval_is_wilsons():
    # 8 of 10, as in Newcombe (1998) and R's prop.test(8, 10, correct = FALSE)
    assert wilson(0.8, 10) == pytest.approx((0.49016, 0.94331), abs=1e-4)


def test_the_interval_stays_within_zero_and_one_and_knows_nothing_without_trials():
    assert wilson(0.0, 20)[0] == 0.0
    assert wilson(1.0, 20) == (pytest.approx(0.8389, abs=1e-3), 1.0)
    assert wilson(0.0, 0) == (0.0, 1.0)


def test_mcnemar_is_the_exact_sign_test_of_the_discordant_images():
    assert mcnemar(2, 10) == pytest.approx((1 + 12 + 66) / 2**12)
    assert mcnemar(3, 17) == pytest.approx(stats.binomtest(3, 20, alternative="less").pvalue)
    assert mcnemar(10, 2) > 0.99
    assert mcnemar(0, 0) == 1


@pytest.mark.parametrize("only_first, only_second", [(8, 0), (3, 9), (5, 5)])
def test_two_sided_it_is_scipys_and_counts_only_the_images_on_which_the_two_differ(only_first, only_second):
    first = np.array([True] * only_first + [False] * only_second + [True] * 20)
    second = np.array([False] * only_first + [True] * only_second + [True] * 20)
    exact = stats.binomtest(only_first, only_first + only_second).pvalue
    assert mcnemar_two_sided(first, second) == pytest.approx(exact)
    assert mcnemar_two_sided(second, first) == pytest.approx(exact)
    assert mcnemar_two_sided(first, first) == 1.0
