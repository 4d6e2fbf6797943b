"""Folds: stratified, with groups on one side, and every class in training."""

import csv

import numpy as np
import pytest

from headstart.components.shared.errors import HeadstartError
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


# By time.


@pytest.mark.parametrize("seed", range(5))
def test_by_time_blocks_are_in_order_and_keep_groups_and_equal_times_together(seed):
    rng = np.random.default_rng(seed)
    times, groups = rng.integers(0, 60, 300).astype(float), rng.integers(0, 200, 300)
    blocks = folds.in_time(times, groups)
    latest = np.array([times[groups == group].max() for group in groups])
    assert (np.diff(blocks[np.argsort(latest, kind="stable")]) >= 0).all()
    assert all(len(set(blocks[groups == group])) == 1 for group in groups)
    assert all(len(set(blocks[latest == time])) == 1 for time in latest)
    assert set(blocks) == set(range(6))
    assert np.bincount(blocks).min() > 25  # of 50, if times and groups could be divided


def test_by_time_images_of_their_own_make_blocks_of_the_same_size():
    times = np.random.default_rng(0).permutation(60).astype(float)
    np.testing.assert_array_equal(folds.in_time(times, np.arange(60), most=5), times // 10)


def test_by_time_few_different_times_make_fewer_blocks_numbered_without_gaps():
    times = np.array([3.0, 1, 1, 1, 2, 3])
    np.testing.assert_array_equal(folds.in_time(times, np.arange(6)), [2, 0, 0, 0, 1, 2])
    np.testing.assert_array_equal(folds.in_time(np.ones(6), np.arange(6)), 0)


# The manifest's folds.


def manifest(folder, *rows):
    """Rows of path, label, fold, group; the bytes of each image are its own."""
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split", "rank", "fold", "sha256", "group"])
        for number, (path, label, fold, group) in enumerate(rows):
            writer.writerow([path, label, "train" if fold else "test", number, fold, number, group])
    return folder / "manifest.csv"


def test_every_fold_trains_on_what_it_does_not_hold_out(tmp_path):
    rows = [("a", "x", "1", ""), ("b", "y", "2", ""), ("c", "x", "2", ""), ("d", "y", "1", "")]
    file = manifest(tmp_path, *rows, ("e", "x", "0", ""), ("t", "y", "", ""))
    found = folds.read(file, ["e", "c", "a", "b", "d"], by_time=False)
    np.testing.assert_array_equal(found.held_out, [[0, 0, 1, 0, 1], [0, 1, 0, 1, 0]])
    np.testing.assert_array_equal(found.training, ~found.held_out)


def test_by_time_every_fold_trains_on_earlier_blocks_only(tmp_path):
    file = manifest(tmp_path, *((name, "x", str(place), "") for place, name in enumerate("abcd")))
    found = folds.read(file, list("dcba"), by_time=True)
    np.testing.assert_array_equal(found.held_out, [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]])
    np.testing.assert_array_equal(found.training, [[0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1]])
    # Without block 0, fold 1 has nothing to train on.
    np.testing.assert_array_equal(folds.read(file, list("bd"), by_time=True).held_out, [[0, 1]])


@pytest.mark.parametrize("seed", range(5))
def test_a_subset_has_the_folds_of_the_manifest_restricted_to_it(tmp_path, seed):
    rng = np.random.default_rng(seed)
    labels, groups = rng.integers(0, 3, 120), rng.integers(0, 50, 120)
    labels[labels == 2] = rng.permutation(
        [2, *np.zeros(np.sum(labels == 2) - 1, int)]
    )  # one image of class 2
    whole = folds.make(labels, groups, seed)
    numbers = np.arange(1, len(whole) + 1) @ whole
    paths = [f"{number:03}" for number in range(120)]
    file = manifest(tmp_path, *zip(paths, labels.astype(str), numbers.astype(str), groups.astype(str)))
    np.testing.assert_array_equal(folds.read(file, paths, by_time=False).held_out, whole)
    some = rng.permutation(120)[:30]
    found = folds.read(file, [paths[number] for number in some], by_time=False)
    assert all(any((fold <= one[some]).all() for one in whole) for fold in found.held_out)
    for fold in found.held_out:
        assert fold.any() and not set(groups[some][fold]) & set(groups[some][~fold])
        assert set(labels[some][~fold]) == set(labels[some])


def test_a_subset_keeps_the_last_group_of_a_class_in_training(tmp_path):
    rows = [("a", "x", "1", "g"), ("b", "y", "1", "g"), ("c", "x", "1", ""), ("d", "x", "2", "")]
    file = manifest(tmp_path, *rows, ("e", "y", "2", ""))
    found = folds.read(file, list("abcd"), by_time=False)  # without e, b is the only image of y
    np.testing.assert_array_equal(found.held_out, [[0, 0, 1, 0], [0, 0, 0, 1]])


def test_a_manifest_without_folds_or_without_an_image_is_refused(tmp_path):
    file = manifest(tmp_path, ("a", "x", "1", ""), ("b", "x", "", ""))
    with pytest.raises(HeadstartError, match="has no training image 'b': `dvc repro`"):
        folds.read(file, ["a", "b"], by_time=False)
    file.write_text("path,label,split,rank,sha256\na,x,train,0,h\n")
    with pytest.raises(
        HeadstartError, match=r"manifest.csv has no folds: `dvc repro prepare` makes it anew\."
    ):
        folds.read(file, ["a"], by_time=False)
    with pytest.raises(HeadstartError, match="other.csv is not here: `dvc repro prepare`"):
        folds.read(tmp_path / "other.csv", ["a"], by_time=False)


# The sample.


def test_a_sample_is_as_it_is_where_it_may_be_and_else_has_whole_groups():
    groups = np.repeat(np.arange(40), 5)
    rows = np.arange(10, 190)
    assert folds.sample(rows, groups, 180, seed=0) is rows
    some = folds.sample(rows, groups, 62, seed=0)
    assert len(some) == 60 and (np.diff(some) > 0).all() and set(some) <= set(rows)
    np.testing.assert_array_equal(np.unique(groups[some], return_counts=True)[1], 5)
    assert set(folds.sample(rows, groups, 62, seed=1)) != set(some)
