"""Subsets: nested, every class at its share, other images at each draw."""

from collections import Counter

import pytest

from headstart.components.shared.subsets import order
from headstart.pipeline.config.design import Design
from headstart.pipeline.data.subsets import Subset, members, of, to_write

COUNTS = {"a": 60, "b": 30, "c": 8, "d": 2}
PLACES = order([(f"{label}{i:02}", label) for label, count in COUNTS.items() for i in range(count)], 1)
ROWS = [
    {"path": path, "label": path[0], "split": "train", "rank": str(rank)}
    for path, rank in sorted(PLACES.items())
]
ROWS += [{"path": "z", "label": "a", "split": "test", "rank": "-1"}]


def paths(images=100, per_class=None, draw=0):
    return [row["path"] for row in members(Subset(0.5, images, per_class, draw), ROWS)]


def classes(found):
    return Counter(path[0] for path in found)


@pytest.mark.parametrize("draw", [0, 1, 2])
def test_subsets_of_a_draw_nest_and_have_the_size_asked_for(draw):
    sizes = (4, 10, 33, 100)
    found = [paths(size, draw=draw) for size in sizes]
    assert [len(one) for one in found] == list(sizes)
    assert all(large[: len(small)] == small for small, large in zip(found, found[1:]))
    assert set(paths(per_class=2, draw=draw)) <= set(paths(per_class=5, draw=draw))


@pytest.mark.parametrize("draw", [0, 1, 2])
def test_every_class_is_there_and_a_larger_subset_keeps_their_shares(draw):
    assert set(classes(paths(4, draw=draw))) == set(COUNTS)
    half = classes(paths(50, draw=draw))
    assert all(abs(half[label] - count / 2) <= 1 for label, count in COUNTS.items())


def test_the_first_draw_is_the_manifests_own_prefix():
    assert [PLACES[path] for path in paths(20)] == list(range(20))
    first = [path for path in sorted(PLACES, key=PLACES.get) if path[0] == "a"][:3]
    assert [path for path in paths(per_class=3) if path[0] == "a"] == first


def test_other_draws_take_other_images_and_always_the_same():
    assert len({tuple(sorted(paths(20, draw=draw))) for draw in range(4)}) == 4
    assert paths(20, draw=3) == paths(20, draw=3)


def test_a_class_with_fewer_images_gives_all_of_them():
    assert classes(paths(per_class=5, draw=1)) == {"a": 5, "b": 5, "c": 5, "d": 2}


def test_all_images_of_the_training_split_are_no_others():
    assert set(paths()) == set(PLACES)


def design(**changes):
    given = {"strategies": ("frozen",), "fractions": (0.1, 1.0), "images_per_class": (), "draws": 2}
    return Design(**{**given, "frozen_draws": 3, "references": True, **changes})


def test_the_files_are_those_of_every_design_with_every_draw():
    full = design(fractions=(0.5, 1.0), images_per_class=(5,), frozen_draws=1)
    assert sorted(str(one.file) for one in to_write([design(), full], ROWS)) == [
        "subsets/0.1-draw-2.csv",
        "subsets/0.1-draw-3.csv",
        "subsets/0.1.csv",
        "subsets/0.5-draw-2.csv",
        "subsets/0.5.csv",
        "subsets/1.csv",
        "subsets/5-a-class-draw-2.csv",
        "subsets/5-a-class.csv",
    ]


def test_what_a_smaller_study_reads_is_written_too():
    """Two names of one size are one subset of the study; without the first it goes by the second."""
    both = design(fractions=(0.1, 0.17, 1.0), images_per_class=(5,))  # 17 images, either way
    written = {one.file for one in to_write([both], ROWS)}
    assert "5-a-class.0" not in {one.key for one in of(both, ROWS)}
    reduced = both.model_copy(update={"fractions": (0.1, 1.0)})
    assert "5-a-class.0" in {one.key for one in of(reduced, ROWS)}
    assert {one.file for one in of(reduced, ROWS)} <= written
