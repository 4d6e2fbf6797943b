"""Out-of-fold predictions: honest, nested, on the folds that are given."""

import numpy as np
import pytest

from headstart.components.cross_validation import out_of_fold
from headstart.components.shared.linear import choice, folds, head
from headstart.components.shared.linear.features import InMemory
from headstart.components.shared.linear.folds import Folds

CLASSES = 3


def images(count=90, worth=1.5):
    """Two blocks on one grid; the upper one tells the classes apart. Two images a group."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) // 2 % CLASSES
    upper = rng.normal(size=(count, 8)) + worth * np.eye(CLASSES, 8)[labels]
    arrays = {(0, 1): rng.normal(size=(count, 6)), (1, 1): upper}
    return {part: values.astype(np.float32) for part, values in arrays.items()}, labels, np.arange(count) // 2


def predict(arrays, labels, groups, made):
    return out_of_fold.predict(InMemory(arrays), labels, groups, made, CLASSES, seed=0)


def random_folds(labels, groups):
    held_out = folds.make(labels, groups, 1)
    return Folds(~held_out, held_out)


@pytest.mark.parametrize("by_time", [False, True])
def test_nothing_of_an_image_reaches_the_heads_that_do_not_train_on_it(by_time):
    arrays, labels, groups = images()
    made = random_folds(labels, groups)
    if by_time:
        block = np.arange(len(labels)) // 30
        made = Folds(np.stack([block < 1, block < 2]), np.stack([block == 1, block == 2]))
    found = predict(arrays, labels, groups, made)
    assert len(made.held_out) == (2 if by_time else 5)
    for number, (training, held_out) in enumerate(zip(made.training, made.held_out)):
        # Half of the fold's images, and all that it leaves out by time, become others altogether.
        changed = ~training
        changed[np.flatnonzero(held_out)[::2]] = False
        others = held_out & ~changed
        other_arrays = {part: np.where(changed[:, None], 1e4, values) for part, values in arrays.items()}
        again = predict(other_arrays, np.where(changed, (labels + 1) % CLASSES, labels), groups, made)
        np.testing.assert_array_equal(again.probabilities[others], found.probabilities[others])
        assert again.training_accuracy[number] == found.training_accuracy[number]
        if not by_time:  # the heads that train on them change
            assert (again.probabilities[training] != found.probabilities[training]).any()


def test_each_fold_is_predicted_by_the_head_that_the_strategy_would_choose_without_it():
    arrays, labels, groups = images()
    made = random_folds(labels, groups)
    found = predict(arrays, labels, groups, made)
    features = InMemory(arrays)
    rows, others = np.flatnonzero(made.training[2]), np.flatnonzero(made.held_out[2])
    chosen = choice.choose(features, labels, groups, rows, CLASSES, 0)
    fitted = head.fit(features, labels, rows, CLASSES, chosen.candidate, chosen.penalty)
    logits = head.logits(fitted, features, others)
    np.testing.assert_array_equal(found.fold[others], 2)
    np.testing.assert_array_equal(found.probabilities[others].argmax(axis=1), logits.argmax(axis=1))
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1, rtol=1e-5)
    right = found.probabilities.argmax(axis=1) == labels
    assert 0.6 < right.mean() < 1 and right.mean() < found.training_accuracy.mean()


def test_features_without_information_are_predicted_no_better_than_by_guessing():
    arrays, labels, groups = images(600, worth=0)
    found = predict(arrays, labels, groups, random_folds(labels, groups))
    # Three standard errors of 1 / 3 with 300 groups.
    assert abs((found.probabilities.argmax(axis=1) == labels).mean() - 1 / 3) < 3 * np.sqrt(2 / 9 / 300)


def test_an_image_that_no_fold_holds_out_has_no_prediction_and_an_unknown_class_a_wrong_one():
    arrays, labels, groups = images(60)
    labels = np.where(np.arange(60) < 40, labels % 2, 2)  # class 2 comes last
    training = np.arange(60) < 40
    found = predict(arrays, labels, groups, Folds(training[None], ~training[None]))
    assert (found.fold[:40] == out_of_fold.UNSEEN).all() and np.isnan(found.probabilities[:40]).all()
    assert (found.fold[40:] == 0).all()
    assert (found.probabilities[40:, 2] < 1e-6).all()
