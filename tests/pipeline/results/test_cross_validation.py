"""The sentences from cross-validation."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from headstart.pipeline.results.cross_validation import CrossValidation


def figure(mean, error):
    return {"mean": mean, "standard_error": error}


def validated(gap=(0.05, 0.01), gain=(0.1, 0.01), **fields):
    figures = {
        "folds": [{"images": 20, "training_images": 80}] * 5,
        "images": 100,
        "by_time": False,
        "accuracy": figure(0.9, 0.01),
        "random_accuracy": figure(0.8, 0.02),
        "gap": gap and figure(*gap),
        "gain": gain and figure(*gain),
    }
    return CrossValidation({**figures, **fields}, Path("out_of_fold.csv"))


@pytest.mark.parametrize(
    ("gap", "begin"),
    [
        (
            (0.08, 0.01),
            "The frozen strategy shows no sign of overfitting: accuracy is 8.0 ± 1.0 points higher",
        ),
        ((0.095, 0.01), "It is undecided whether the frozen strategy is overfitting"),
        ((0.12, 0.01), "The frozen strategy is overfitting"),
    ],
)
def test_overfitting_is_a_gap_beyond_the_limit_by_more_than_a_standard_error(gap, begin):
    told = validated(gap=gap).overfitting(0.1)
    assert told.startswith(begin)
    assert told.endswith("(limit 10.0; mean ± standard error over 5 folds of 100 images).")


@pytest.mark.parametrize(
    ("gain", "verdict"),
    [
        ((0.1, 0.01), "The base is a good start: "),
        ((-0.1, 0.01), "The base is a bad start: "),
        ((0.02, 0.01), "The base is not shown to be better or worse than random weights: "),
        ((0.1, 0.0), "The base is a good start: "),
        ((0.0, 0.0), "The base is not shown to be better or worse than random weights: "),
    ],
)
def test_the_base_is_compared_with_random_weights_on_the_same_folds(gain, verdict):
    assert validated(gain=gain).base().startswith(verdict)


def test_the_test_counts_that_the_folds_share_training_images():
    differences = np.array([0.02, 0.06, 0.03, 0.08, 0.05])
    error = differences.std(ddof=1) / np.sqrt(5)
    statistic = differences.mean() / np.sqrt(differences.var(ddof=1) * (1 / 5 + 20 / 80))
    expected = 2 * stats.t.sf(statistic, 4)
    told = validated(gain=(differences.mean(), error)).base()
    assert f"(p = {expected:.3f};" in told
    assert "90.0 ± 1.0 % on held-out images, one on random weights 80.0 ± 2.0 %" in told
    assert stats.ttest_1samp(differences, 0).pvalue < expected


def test_without_folds_or_random_weights_nothing_is_told():
    assert validated(gap=None, gain=None, folds=[]).sentences(0.1) == ()
    assert not validated(folds=[]).made
    assert len(validated(gain=None).sentences(0.1)) == 1
    assert validated(gap=(0.1, None), gain=(0.1, None)).sentences(0.1) == ()  # of a single fold


def test_folds_by_time_are_named():
    assert "5 folds by time of 100 images" in validated(by_time=True).overfitting(0.1)
