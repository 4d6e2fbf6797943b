"""How the base is fine-tuned when nobody says."""

from dataclasses import replace

import pytest

from headstart.components.trainer.recipe import Facts, Scores, recipe_for, steps_for

AUTO = {"unfreeze_depth": "auto", "batchnorm": "auto", "learning_rates": "auto", "steps": "auto"}
SAME = Scores(best=0.9, last=0.9, early=0.4, images=400)
NEAR = Facts(images=150, image_size=224, base_size=224, blocks=18, scores=SAME)


def test_far_from_the_bases_size_the_whole_base_trains_and_batchnorm_adapts():
    recipe = recipe_for(replace(NEAR, image_size=96), AUTO)
    assert (recipe.depth, recipe.adapts) == (18, True)
    assert recipe.reasons[:3] == (
        "96 px is far from the base's 224 px",
        "BatchNorm adapts",
        "the whole base is trained",
    )


@pytest.mark.parametrize(
    "scores, reason",
    [
        (replace(SAME, best=0.95), "is 5.0 points better than one on the last: a far domain"),
        (
            replace(SAME, early=0.92),
            "an early block tells the classes apart better than the last: a far domain",
        ),
        (None, "too few images to compare the blocks"),
    ],
)
def test_a_far_domain_or_an_unknown_one_lets_batchnorm_adapt(scores, reason):
    recipe = recipe_for(replace(NEAR, scores=scores), AUTO)
    assert recipe.adapts
    assert recipe.reasons[0].endswith(reason)


def test_a_gain_within_a_standard_error_is_none():
    assert not recipe_for(replace(NEAR, scores=replace(SAME, best=0.91)), AUTO).adapts


def test_near_the_source_batchnorm_keeps_its_statistics_at_a_low_rate():
    near, far = recipe_for(NEAR, AUTO), recipe_for(replace(NEAR, image_size=96), AUTO)
    assert not near.adapts
    assert near.rates[0] < far.rates[0]


def test_steps_follow_the_images():
    assert [steps_for(images) for images in (20, 150, 1500, 15000)] == [400, 400, 600, 900]


def test_what_the_parameters_name_is_taken_as_it_stands():
    wanted = {"unfreeze_depth": -1, "batchnorm": "fixed", "learning_rates": [0.1, 0.2], "steps": 50}
    recipe = recipe_for(replace(NEAR, image_size=96), wanted)
    assert (recipe.depth, recipe.adapts, recipe.rates, recipe.steps) == (18, False, (0.1, 0.2), 50)
    assert recipe.reasons == (
        "BatchNorm keeps its statistics",
        "the whole base is trained",
        "50 steps for 150 images at a rate of 0.1 or 0.2",
    )
    assert recipe_for(NEAR, {**AUTO, "unfreeze_depth": 2}).reasons[2] == "2 of 18 blocks are trained"
