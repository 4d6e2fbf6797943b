"""Which photos to label first: typical ones of what has no label, or unsure ones that differ."""

import numpy as np
import pytest

from headstart.pipeline.forecast import selection
from headstart.pipeline.forecast.selection import (
    TYPICAL,
    UNCERTAIN,
    distinct,
    select,
    typical,
    uncertain,
    unit,
)

FEATURES = 16


def _blob(centre, count, spread=0.05, seed=0):
    """Rows of length 1 around the axis `centre`."""
    rng = np.random.default_rng(seed + centre)
    values = np.eye(FEATURES)[centre] + spread * rng.normal(size=(count, FEATURES))
    return unit(values.astype(np.float32))


def test_rows_get_length_1_and_a_row_of_zeros_stays():
    found = unit(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    assert found == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0]]))


def test_a_near_copy_of_a_labelled_image_or_of_an_earlier_photo_is_left_out():
    rng = np.random.default_rng(0)
    labelled, pool = (unit(rng.normal(size=(20, FEATURES)).astype(np.float32)) for _ in range(2))
    pool[3] = unit(labelled[5:6] + 0.02)[0]
    pool[9] = unit(pool[7:8] + 0.02)[0]
    assert np.flatnonzero(~distinct(pool, labelled)).tolist() == [3, 9]


def test_photos_that_differ_little_from_all_others_are_no_copies_where_all_images_do():
    assert distinct(_blob(0, 30, 0.001), _blob(0, 30, 0.001, seed=9)).mean() > 0.9


def test_typical_photos_are_of_the_largest_clusters_that_have_no_labelled_image():
    pool = np.concatenate([_blob(0, 40), _blob(1, 12), _blob(2, 25)])
    labelled = _blob(0, 1, seed=9)
    found = typical(pool, labelled, 2, 0)
    assert [int(pool[row].argmax()) for row in found] == [2, 1]


def test_the_typical_photo_of_a_cluster_is_in_its_middle():
    pool = np.concatenate([_blob(0, 30, 0.2), np.eye(FEATURES, dtype=np.float32)[:1]])
    assert typical(pool, np.zeros((0, FEATURES), np.float32), 1, 0).tolist() == [30]


def test_unsure_photos_are_taken_from_different_parts_of_the_pool(monkeypatch):
    monkeypatch.setattr(selection, "_UNSURE", 10)
    pool = np.concatenate([_blob(0, 30), _blob(1, 30), _blob(2, 30)])
    sure = np.tile([0.98, 0.01, 0.01], (90, 1))
    sure[:10] = sure[30:40] = [0.5, 0.49, 0.01]
    found = uncertain(pool, sure, 2, 0)
    assert (sure[found, 0] == 0.5).all()
    assert sorted(int(pool[row].argmax()) for row in found) == [0, 1]


def test_the_least_certain_photo_comes_first():
    pool = np.concatenate([_blob(centre, 1) for centre in range(5)])
    first = np.array([0.9, 0.6, 0.8, 0.55, 0.7])
    assert uncertain(pool, np.stack([first, 1 - first], axis=1), 5, 0).tolist() == [3, 1, 4, 2, 0]


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
def test_photos_that_coincide_are_chosen_once_each():
    pool = np.repeat(_blob(0, 1), 8, axis=0)
    found = uncertain(pool, np.tile([0.5, 0.5], (8, 1)), 3, 0)
    assert len(set(found.tolist())) == 3


@pytest.mark.parametrize(("labelled", "reason"), [(5, TYPICAL), (6, UNCERTAIN)])
def test_with_fewer_than_two_labelled_images_a_class_photos_are_typical(labelled, reason):
    pool = np.concatenate([_blob(0, 10), _blob(1, 10)])
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 20)
    found = select(pool, _blob(2, labelled), probabilities, 4, 0)
    assert found.reason == reason
    assert len(set(found.rows.tolist())) == 4


def test_of_few_photos_all_are_chosen():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 7)
    for labelled in (1, 50):
        found = select(_blob(0, 7), _blob(1, labelled), probabilities, 100, 0)
        assert sorted(found.rows.tolist()) == list(range(7))
