"""Subsets: nested, every class at its share, other images at each draw."""

import numpy as np
import pytest

from headstart.components.shared.subsets import choose, order

COUNTS = {0: 60, 1: 30, 2: 8, 3: 2}
LABELS = np.repeat(list(COUNTS), list(COUNTS.values()))
PATHS = [f"{index:03}.png" for index in range(len(LABELS))]
_MANIFEST = order(zip(PATHS, LABELS.tolist()), 1)
RANKS = np.array([_MANIFEST[path] for path in PATHS])


def _choose(images=None, per_class=None, draw=0):
    return choose(PATHS, LABELS, RANKS, {"images": images, "per_class": per_class, "draw": draw})


@pytest.mark.parametrize("draw", [0, 1, 2])
def test_subsets_of_a_draw_nest_and_have_the_size_asked_for(draw):
    sizes = (4, 10, 33, 100)
    masks = [_choose(images=size, draw=draw) for size in sizes]
    assert [mask.sum() for mask in masks] == list(sizes)
    assert all((small <= large).all() for small, large in zip(masks, masks[1:]))
    few, more = (_choose(per_class=count, draw=draw) for count in (2, 5))
    assert (few <= more).all()


@pytest.mark.parametrize("draw", [0, 1, 2])
def test_every_class_is_there_and_a_larger_subset_keeps_their_shares(draw):
    assert set(LABELS[_choose(images=4, draw=draw)]) == set(COUNTS)
    half = np.bincount(LABELS[_choose(images=50, draw=draw)])
    np.testing.assert_allclose(half, np.array(list(COUNTS.values())) / 2, atol=1)


def test_the_first_draw_is_the_manifests_own_prefix():
    np.testing.assert_array_equal(_choose(images=20), RANKS < 20)
    first = [path for path in sorted(PATHS, key=_MANIFEST.get) if LABELS[PATHS.index(path)] == 0][:3]
    assert {PATHS[row] for row in np.flatnonzero(_choose(per_class=3)) if LABELS[row] == 0} == set(first)


def test_other_draws_take_other_images_and_always_the_same():
    masks = [_choose(images=20, draw=draw) for draw in range(4)]
    assert len({mask.tobytes() for mask in masks}) == 4
    np.testing.assert_array_equal(masks[3], _choose(images=20, draw=3))


def test_a_class_with_fewer_images_gives_all_of_them():
    assert np.bincount(LABELS[_choose(per_class=5, draw=1)]).tolist() == [5, 5, 5, 2]


def test_a_subset_of_everything_is_everything():
    assert _choose().all()
    assert _choose(images=1000, draw=1).all()


def test_the_order_depends_on_neither_the_images_order_nor_the_labels_type():
    names = [f"class {label}" for label in LABELS]
    assert order(reversed(list(zip(PATHS, names))), 1) == _MANIFEST
