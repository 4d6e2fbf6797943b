"""Macro averages agree with scikit-learn's."""

from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

from headstart.components.evaluator.macro import macro


@pytest.mark.parametrize("seed", range(3))
def test_macro_averages_are_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    actual, predicted = rng.integers(0, 5, 60), rng.integers(0, 6, 60)
    expected = precision_recall_fscore_support(actual, predicted, average="macro", zero_division=0)[:3]
    counts = Counter((int(a), int(p)) for a, p in zip(actual, predicted))
    np.testing.assert_allclose(list(macro(counts).values()), expected)


def test_a_class_that_is_never_predicted_counts_as_nothing_not_as_missing():
    # Class 1 has 2 images, both called 0: precision (2/4 + 0) / 2, recall (1 + 0) / 2, F1 (4/6 + 0) / 2.
    assert macro({(0, 0): 2, (1, 0): 2}) == pytest.approx(
        {"macro_precision": 0.25, "macro_recall": 0.5, "macro_f1": 1 / 3}
    )
