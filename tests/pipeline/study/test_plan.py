"""Which cells a study has."""

import pytest

from headstart.pipeline.config.design import Design, Relatedness
from headstart.pipeline.data import subsets
from headstart.pipeline.study.plan import cells_of, compared_subsets, images_of_random_weights


def design(**changes):
    return Design(
        **{
            "strategies": ("scratch", "frozen"),
            "fractions": (0.1, 1.0),
            "images_per_class": (),
            "draws": 3,
            "frozen_draws": 3,
            "references": True,
            **changes,
        }
    )


def rows(**classes):
    return [{"label": label, "split": "train"} for label, count in classes.items() for _ in range(count)] + [
        {"label": label, "split": "test"} for label in classes
    ]


HUNDRED = rows(a=60, b=40)


def test_every_subset_but_the_largest_has_several_draws_and_the_largest_comes_first():
    found = subsets.of(design(), HUNDRED)
    assert [(one.images, one.draw) for one in found] == [(100, 0), (10, 0), (10, 1), (10, 2)]
    assert [one.fraction for one in found] == [1.0, 0.1, 0.1, 0.1]


def test_images_a_class_are_a_subset_of_their_own():
    found = subsets.of(design(images_per_class=(50,), draws=1, frozen_draws=1), HUNDRED)
    assert [(one.images, one.per_class, one.name) for one in found] == [
        (100, None, "100%"),
        (90, 50, "50-a-class"),  # b has 40 of them
        (10, None, "10%"),
    ]
    assert found[1].fraction == pytest.approx(0.9)
    assert str(found[1].file) == "subsets/50-a-class.csv"


def test_fractions_that_come_to_the_same_images_are_one_subset():
    found = subsets.of(design(fractions=(0.01, 0.02, 1.0), draws=1, frozen_draws=1), HUNDRED)
    assert [(one.images, one.fraction) for one in found] == [(100, 1.0), (2, 0.02)]


def test_names_and_nodes_tell_draws_apart():
    names = [cell.name for cell in cells_of(design(strategies=("frozen",), frozen_draws=2), HUNDRED)]
    assert names == ["frozen-10%", "frozen-10% draw 2", "frozen-100%"]
    several = design(draws=2, frozen_draws=2, fractions=(0.005, 0.05, 1.0))
    nodes = [cell.node for cell in cells_of(several, HUNDRED)]
    assert len(set(nodes)) == len(nodes) == 2 * 5


def test_the_small_and_the_full_study_share_the_nodes_of_the_cells_that_both_have():
    small = {cell.node for cell in cells_of(design(), HUNDRED)}
    full = {cell.node for cell in cells_of(design(fractions=(0.05, 0.1, 0.25, 1.0)), HUNDRED)}
    assert small < full


def test_cells_on_the_largest_subset_alone_could_be_promoted():
    found = cells_of(design(), HUNDRED)
    assert {cell.subset.images for cell in found if cell.promotable} == {100}
    assert {cell.strategy for cell in found if cell.promotable} == {"scratch", "frozen"}


def test_a_number_of_images_is_one_subset_however_it_was_asked_for():
    even = rows(a=50, b=50)
    found = subsets.of(design(images_per_class=(5, 80), draws=1, frozen_draws=1), even)
    assert [(one.images, one.per_class) for one in found] == [(100, None), (10, None)]
    found = subsets.of(design(images_per_class=(80, 60), fractions=(0.1,), draws=1, frozen_draws=1), even)
    assert [(one.images, one.per_class) for one in found] == [(100, 60), (10, None)]


def test_the_frozen_head_comes_first_and_has_draws_of_its_own_number():
    found = cells_of(design(strategies=("scratch", "frozen"), draws=1, frozen_draws=2), HUNDRED)
    assert [cell.name for cell in found] == [
        "frozen-10%",
        "frozen-10% draw 2",
        "frozen-100%",
        "scratch-100%",
        "scratch-10%",
    ]


def test_controls_are_never_promoted_and_the_dear_one_is_trained_on_the_largest_subset_alone():
    found = cells_of(design(strategies=("frozen", "random_blocks", "scratch_blocks"), draws=1), HUNDRED)
    controls = [cell for cell in found if cell.strategy != "frozen"]
    names = [cell.name for cell in controls]
    assert names == ["random_blocks-100%", "random_blocks-10%", "scratch_blocks-100%"]
    assert not any(cell.promotable for cell in controls)


def test_references_are_fitted_on_the_draws_that_all_strategies_have():
    few = design(draws=2, frozen_draws=5)
    assert [(one.images, one.draw) for one in compared_subsets(few, HUNDRED)] == [(100, 0), (10, 0), (10, 1)]
    assert compared_subsets(design(references=False), HUNDRED) == []


@pytest.mark.parametrize(
    "strategies, references, random_images, embedded",
    [
        (("frozen",), False, 40, 40),
        (("frozen",), False, 1000, 143),  # there are no more
        (("frozen",), True, 40, 143),  # the references' classifier reads all of them
        (("frozen", "random_blocks"), False, 40, 143),
        (("frozen",), False, 0, 0),
        (("frozen",), True, 0, 0),
        (("frozen", "random_blocks"), False, 0, 143),  # asked for by name
    ],
)
def test_random_weights_embed_no_more_than_somebody_reads(strategies, references, random_images, embedded):
    wanted = design(strategies=strategies, references=references)
    section = Relatedness(candidates=(), random_images=random_images)
    planned, compared = cells_of(wanted, HUNDRED), compared_subsets(wanted, HUNDRED)
    assert images_of_random_weights(section, planned, compared, 143) == embedded
