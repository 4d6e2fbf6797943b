"""Out-of-fold predictions: right where features tell, and without a leak from what is held out."""

import numpy as np
import pytest

from headstart.components.cross_validation import out_of_fold
from headstart.components.cross_validation.out_of_fold import predict
from headstart.components.shared.linear import folds
from headstart.components.shared.linear.features import InMemory
from headstart.components.shared.linear.folds import Folds

IMAGES, CLASSES = 90, 3
LABELS = np.random.default_rng(0).permutation(np.arange(IMAGES) % CLASSES)
GROUPS = np.arange(IMAGES) // 2 * 2 + LABELS % 2  # some pairs


def store(apart=3.0, changed=(), by=10.0):  # further away, float32 rounds the others
    """Features of two blocks; some images' are pushed far away."""
    rng = np.random.default_rng(1)  # the same values for all other images
    arrays = {}
    for part in ((0, 1), (1, 1)):
        values = rng.normal(size=(IMAGES, 8))
        values[:, :CLASSES] += apart * np.eye(CLASSES)[LABELS]
        values[list(changed)] = by * np.random.default_rng(2).normal(size=(len(changed), 8))
        arrays[part] = values.astype(np.float32)
    return InMemory(arrays)


def at_random():
    held_out = folds.make(LABELS, GROUPS, seed=0)
    return Folds(~held_out, held_out)


def by_time():
    blocks = np.arange(IMAGES)[None] // 30
    numbers = np.arange(1, 3)[:, None]
    return Folds(blocks < numbers, blocks == numbers)


def test_every_image_is_predicted_once_by_the_fold_that_holds_it_out():
    made = at_random()
    found = predict(store(), LABELS, GROUPS, made, CLASSES, seed=0)
    np.testing.assert_array_equal(found.fold, made.held_out.argmax(axis=0))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (found.probabilities.argmax(axis=1) == LABELS).mean() > 0.9
    assert found.training_accuracy.shape == (5,) and found.training_accuracy.min() > 0.9


def test_features_that_tell_nothing_are_right_by_chance_however_well_they_are_learnt():
    rng = np.random.default_rng(0)
    noise = InMemory({(0, 1): rng.normal(size=(IMAGES, 200)).astype(np.float32)})
    found = predict(noise, LABELS, GROUPS, at_random(), CLASSES, seed=0)
    assert found.training_accuracy.min() > 0.9
    assert 0.2 < (found.probabilities.argmax(axis=1) == LABELS).mean() < 0.47  # a third, within 2.7 errors


def test_by_time_the_first_block_is_not_predicted():
    found = predict(store(), LABELS, GROUPS, by_time(), CLASSES, seed=0)
    np.testing.assert_array_equal(found.fold, np.repeat([-1, 0, 1], 30))
    assert np.isnan(found.probabilities[:30]).all() and not np.isnan(found.probabilities[30:]).any()


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("make", [at_random, by_time])
def test_what_a_fold_holds_out_changes_no_prediction_of_its_head(monkeypatch, make, shared):
    """Neither features nor labels: standardising, choice and fit are of the training images alone."""
    monkeypatch.setattr(out_of_fold, "_CHOSEN_ON", 20 if shared else 10**9)
    made = make()
    assert (max(map(len, out_of_fold._rounds(made))) > 1) == (shared and make is at_random)
    before = predict(store(), LABELS, GROUPS, made, CLASSES, seed=0)
    for number, held_out in enumerate(made.held_out):
        places = np.flatnonzero(held_out)
        changed, kept = places[::2], places[1::2]
        labels = LABELS.copy()
        labels[changed] = (labels[changed] + 1) % CLASSES
        after = predict(store(changed=changed), labels, GROUPS, made, CLASSES, seed=0)
        np.testing.assert_array_equal(after.probabilities[kept], before.probabilities[kept])
        assert after.training_accuracy[number] == before.training_accuracy[number]
        others = np.setdiff1d(np.flatnonzero(made.held_out[number + 1 :].any(axis=0)), places)
        # The change itself does reach the heads that train on these images.
        assert not len(others) or np.abs(after.probabilities - before.probabilities)[others].max() > 1e-3


def test_folds_share_a_choice_where_enough_images_are_left_for_it(monkeypatch):
    made = at_random()
    monkeypatch.setattr(out_of_fold, "_CHOSEN_ON", 30)
    assert [list(some) for some in out_of_fold._rounds(made)] == [[0, 1, 2], [3, 4]]
    monkeypatch.setattr(out_of_fold, "_CHOSEN_ON", 60)
    assert [list(some) for some in out_of_fold._rounds(made)] == [[0], [1], [2], [3], [4]]
    assert out_of_fold._rounds(Folds(np.zeros((0, 4), bool), np.zeros((0, 4), bool))) == []
