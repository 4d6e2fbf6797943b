from __future__ import annotations

import numpy as np
import pytest

from headstart.components.tuner import choice, scores
from tests.components.tuner.test_scores import images


def test_a_candidate_on_easy_folds_alone_gains_nothing_from_them() -> None:
    reference, easy = [0.9, 0.7], [0.91, np.nan]
    assert choice.levelled(np.array([reference, easy])) == pytest.approx([0.8, 0.81])


def test_the_reference_is_the_best_of_those_on_all_folds() -> None:
    found = choice.levelled(np.array([[0.5, 0.5], [0.8, 0.6], [np.nan, 0.7]]))
    assert found == pytest.approx([0.5, 0.7, 0.8])


def test_without_the_rule_the_best_is_chosen() -> None:
    scored = np.array([[0.90, 0.94], [0.90, 0.92]])
    found = choice.choose(scored, np.array([100.0, 1.0]), one_standard_error=False)
    assert (found.best, found.chosen) == (0, 0)


def test_a_cheap_candidate_within_one_standard_error_is_chosen() -> None:
    scored = np.array([[0.90, 0.94], [0.90, 0.92], [0.80, 0.82]])
    found = choice.choose(scored, np.array([100.0, 40.0, 1.0]), one_standard_error=True)
    assert found.error == pytest.approx(0.02)
    assert (found.best, found.chosen) == (0, 1)


def test_a_candidate_that_costs_nearly_as_much_is_not_preferred() -> None:
    scored = np.array([[0.90, 0.94], [0.90, 0.92]])
    assert choice.choose(scored, np.array([100.0, 60.0]), one_standard_error=True).chosen == 0


def test_of_the_cheap_ones_the_best_is_chosen() -> None:
    scored = np.array([[0.80, 1.00], [0.84, 0.90], [0.86, 0.92]])
    assert choice.choose(scored, np.array([100.0, 10.0, 15.0]), one_standard_error=True).chosen == 2


def test_the_nested_estimate_takes_the_luck_out_of_many_equal_candidates() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 200)
    held_out = images(labels, 5)
    right = rng.random((60, 200)) < 0.7  # sixty candidates, each right by chance in 70 of 100 images
    predicted = np.where(right, labels, 1 - labels)
    best = scores.by_fold(predicted, held_out, "accuracy").mean(axis=1).max()
    found = choice.nested(predicted, held_out, "accuracy", np.ones(60), one_standard_error=False, seed=0)
    assert best > 0.75
    assert found.value == pytest.approx(0.7, abs=0.02)
    assert found.low < 0.7 < found.high


def test_the_nested_estimate_of_a_single_candidate_is_its_score() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 300)
    held_out = images(labels, 5)
    predicted = np.where(rng.random(300) < 0.8, labels, 1 - labels)[None]
    score = scores.by_fold(predicted, held_out, "accuracy").mean()
    found = choice.nested(predicted, held_out, "accuracy", np.ones(1), one_standard_error=True, seed=0)
    assert found.value == pytest.approx(score, abs=0.01)
