"""Scores of out-of-fold predictions, and their spread."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score

from headstart.pipeline.forecast import scores
from headstart.pipeline.forecast.measurement import Measurement


def _measurement(images=300, wrong=0.2, seed=0, groups=None):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, images)
    missed = rng.random((2, 1, images)) < wrong
    predicted = np.where(missed, (labels + rng.integers(1, 3, (2, 1, images))) % 3, labels)
    draw = np.arange(images)[None] % 5
    groups = np.arange(images) if groups is None else groups
    return Measurement(np.array([50, 100]), labels, groups, predicted.astype(np.int16), draw)


def test_scores_are_those_of_scikit_learn():
    found = _measurement()
    truth, predicted = found.labels, found.predicted[:, 0]
    for score, theirs in (
        (scores.accuracy, accuracy_score),
        (scores.macro_f1, lambda t, p: f1_score(t, p, average="macro")),
        (scores.recall(1), lambda t, p: recall_score(t, p, labels=[1], average=None)[0]),
    ):
        observed, _ = scores.resampled(found, score, 0, 2)
        assert observed == pytest.approx([theirs(truth, one) for one in predicted])


def test_the_spread_of_an_accuracy_is_about_the_binomial_one():
    _, replicates = scores.resampled(_measurement(), scores.accuracy, 0)
    binomial = np.sqrt(0.2 * 0.8 / 300)
    assert (replicates.std(axis=0) > 0.75 * binomial).all()
    assert (replicates.std(axis=0) < 1.5 * binomial).all()


def test_images_of_large_groups_spread_more():
    single = _measurement()
    labels = np.zeros(300, int)
    wrong = np.repeat(np.arange(30) % 5 == 0, 10)
    predicted = np.broadcast_to(np.where(wrong, 1, 0), (2, 1, 300)).astype(np.int16)
    grouped = Measurement(single.sizes, labels, np.arange(300) // 10, predicted, single.draw)
    alone = Measurement(single.sizes, labels, np.arange(300), predicted, single.draw)
    wide, narrow = (scores.resampled(one, scores.accuracy, 0)[1].std(axis=0) for one in (grouped, alone))
    assert (wide > 2 * narrow).all()


def test_images_that_no_fold_holds_out_do_not_count():
    found = _measurement()
    draw = found.draw.copy()
    draw[0, :100] = -1
    predicted = found.predicted.copy()
    predicted[:, 0, :100] = -1
    part = Measurement(found.sizes, found.labels, found.groups, predicted, draw)
    observed, _ = scores.resampled(part, scores.accuracy, 0, 2)
    assert observed == pytest.approx((found.predicted[:, 0, 100:] == found.labels[100:]).mean(axis=1))


def test_a_class_that_draws_or_replicates_lack_does_not_spread_its_recall():
    found = _measurement()
    labels = np.where(np.arange(300) < 2, 2, np.arange(300) % 2)
    predicted = np.broadcast_to(labels, found.predicted.shape).astype(np.int16)
    rare = Measurement(found.sizes, labels, found.groups, predicted, found.draw)
    observed, replicates = scores.resampled(rare, scores.recall(2), 0)
    assert (observed == 1).all()
    assert (replicates == 1).all()
