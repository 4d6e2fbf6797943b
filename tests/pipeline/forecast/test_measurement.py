"""The measurement: nothing of an image that is held out reaches the head that predicts it."""

import numpy as np
import pytest

from headstart.components.shared.linear.features import Candidate, InMemory
from headstart.pipeline.forecast import measurement
from headstart.pipeline.forecast.measurement import Head, measure

IMAGES, CLASSES = 200, 4
HEAD = Head(Candidate("last", (0,), 1), 10.0)


def _values(seed=0, apart=1.2):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(IMAGES) % CLASSES)
    values = rng.normal(size=(IMAGES, 12))
    values[:, :CLASSES] += apart * np.eye(CLASSES)[labels]
    return values.astype(np.float32), labels


def _measure(values, labels, groups=None, rows=None, seed=0):
    groups = np.arange(len(labels)) if groups is None else groups
    rows = np.arange(len(labels)) if rows is None else rows
    return measure(InMemory({(0, 1): values}), labels, groups, rows, CLASSES, HEAD, seed)


def test_every_image_is_predicted_at_every_number_of_images_by_ten_draws():
    found = _measure(*_values())
    assert found.draws == 10
    assert found.sizes.tolist() == sorted(found.sizes)
    assert found.sizes[-1] == 160
    assert found.sizes[0] >= 2 * CLASSES
    assert (found.predicted >= 0).all()


def test_more_images_give_fewer_errors():
    values, labels = _values()
    found = _measure(values, labels)
    right = (found.predicted == labels).mean(axis=(1, 2))
    assert right[-1] > right[0] + 0.05


def test_an_image_that_is_held_out_changes_no_other_prediction_of_its_draw():
    values, labels = _values()
    before = _measure(values, labels)
    changed = values.copy()
    changed[7] = 1000.0
    after = _measure(changed, labels)
    for repeat in range(measurement.REPEATS):
        same = before.draw[repeat] == before.draw[repeat, 7]
        same[7] = False
        assert (before.predicted[:, repeat, same] == after.predicted[:, repeat, same]).all()
        assert (before.predicted[:, repeat] != after.predicted[:, repeat]).any()  # where it trains


def test_the_labels_of_images_that_are_held_out_change_no_subset_of_their_draw():
    values, labels = _values()
    held_out = _measure(values, labels).draw[0] == 0
    others = np.flatnonzero(~held_out)
    before = measurement.ordered(labels, np.arange(IMAGES), others, "seed")
    labels[held_out] = 0
    assert (measurement.ordered(labels, np.arange(IMAGES), others, "seed") == before).all()


def test_images_of_a_group_are_held_out_together():
    values, labels = _values()
    labels = np.sort(labels)
    groups = np.arange(IMAGES) // 5
    found = _measure(values, labels, groups)
    for repeat in range(measurement.REPEATS):
        for group in range(IMAGES // 5):
            assert len(np.unique(found.draw[repeat, groups == group])) == 1


def test_a_subset_is_stratified_and_takes_groups_as_a_whole():
    _, labels = _values()
    labels, groups = np.sort(labels), np.arange(IMAGES) // 5
    order = measurement.ordered(labels, groups, np.arange(IMAGES), "seed")
    assert sorted(order) == list(range(IMAGES))
    assert np.bincount(labels[order[:40]]).tolist() == [10, 10, 10, 10]
    assert all(len(set(groups[order[at : at + 5]])) == 1 for at in range(0, IMAGES, 5))


def test_rows_that_are_not_given_are_not_read():
    values, labels = _values()
    rows = np.arange(0, IMAGES, 2)
    values[1::2] = np.nan
    found = _measure(values, labels, rows=rows)
    assert found.sizes[-1] == 80
    assert (found.labels == labels[rows]).all()


def test_too_many_images_are_sampled_by_whole_groups(monkeypatch):
    monkeypatch.setattr(measurement, "MOST", 100)
    values, labels = _values()
    found = _measure(values, np.sort(labels), np.arange(IMAGES) // 5)
    assert len(found.labels) == 100
    assert (np.bincount(found.groups) == 5).all()


def test_without_a_fold_there_is_no_size():
    values, labels = _values()
    found = _measure(values, labels, groups=labels)
    assert len(found.sizes) == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_predictions(seed):
    first, second = (_measure(*_values(), seed=seed) for _ in range(2))
    assert (first.predicted == second.predicted).all()
