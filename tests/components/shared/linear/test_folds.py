"""Folds: stratified, with groups on one side, and every class in training."""

import numpy as np
import pytest

from headstart.components.shared.linear import folds


def test_every_image_is_held_out_once_and_classes_keep_their_share():
    labels = np.repeat([0, 1], [50, 100])
    held_out = folds.make(labels, np.arange(150), seed=0)
    np.testing.assert_array_equal(held_out.sum(axis=0), 1)
    np.testing.assert_array_equal(held_out[:, :50].sum(axis=1), 10)
    np.testing.assert_array_equal(held_out[:, 50:].sum(axis=1), 20)


def test_a_group_is_never_on_both_sides():
    rng = np.random.default_rng(0)
    labels, groups = rng.integers(0, 3, 200), rng.integers(0, 40, 200).astype(str)
    for fold in folds.make(labels, groups, seed=0):
        assert not set(groups[fold]) & set(groups[~fold])
        assert set(labels[~fold]) == {0, 1, 2}


@pytest.mark.parametrize(("rarest", "count"), [(2, 2), (3, 3), (9, 5)])
def test_the_rarest_class_sets_the_number_of_folds(rarest, count):
    labels = np.repeat([0, 1], [30, rarest])
    assert len(folds.make(labels, np.arange(len(labels)), seed=0)) == count


def test_a_class_of_one_image_stays_in_training_and_does_not_set_the_number_of_folds():
    labels = np.array([0] * 10 + [1] * 10 + [2])
    held_out = folds.make(labels, np.arange(21), seed=0)
    assert len(held_out) == 5
    assert not held_out[:, 20].any()


def test_a_class_of_one_group_stays_in_training():
    labels = np.array([0] * 10 + [1] * 10 + [2] * 4)
    groups = np.array([*range(20), 99, 99, 99, 99])
    held_out = folds.make(labels, groups, seed=0)
    assert not held_out[:, 20:].any()
    np.testing.assert_array_equal(held_out[:, :20].sum(axis=0), 1)


def test_one_image_a_class_gives_no_folds():
    assert folds.make(np.arange(6), np.arange(6), seed=0).shape == (0, 6)


def test_the_seed_decides():
    labels, groups = np.arange(60) % 3, np.arange(60)
    same, again, other = (folds.make(labels, groups, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(same, again)
    assert (same != other).any()
