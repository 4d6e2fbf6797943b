"""Who becomes the champion."""

from dataclasses import replace

import pytest

from headstart.pipeline.promotion.decision import (
    CHALLENGER,
    CHAMPION,
    Comparison,
    Rules,
    SliceChange,
    decide,
)

RULES = Rules(min_images=30, min_gain=0.0, confidence=0.95, max_slice_drop=0.05, min_slice_images=20)
BETTER = Comparison("3", 250, 240, 20, True, before=0.9, after=0.94, gain_low=0.012, slices=())


def fall(images, after):
    return replace(BETTER, slices=(SliceChange("label", "shirt", images, 0.9, after),))


def test_the_first_blessed_model_is_the_champion():
    assert decide([], None, RULES).alias == CHAMPION


def test_a_model_that_is_not_blessed_is_a_challenger_even_where_there_is_no_champion():
    decision = decide(["accuracy on label 3 is 0.500, 0.600 is asked"], None, RULES)
    assert decision.alias == CHALLENGER
    assert "label 3 is 0.500" in decision.reason


def test_of_many_failures_three_are_named():
    reason = decide([f"failure {number}" for number in range(5)], None, RULES).reason
    assert "failure 2" in reason and "failure 3" not in reason and reason.endswith("; and 2 more")


def test_a_gain_that_is_shown_promotes_and_says_on_what():
    decision = decide([], BETTER, RULES)
    assert decision.promoted
    assert decision.reason == (
        "better: 0.940 against 0.900 of the champion, version 3, on 250 test images "
        "(20 more were used to train one of them)"
    )


def test_a_gain_that_may_be_chance_keeps_the_champion():
    decision = decide([], replace(BETTER, gain_low=-0.004), RULES)
    assert decision.alias == CHALLENGER
    assert decision.reason.startswith("not shown to be better: ")
    assert "at 95% confidence the gain is at least -0.004" in decision.reason


def test_a_worse_model_is_called_worse():
    worse = replace(BETTER, after=0.88, gain_low=-0.05)
    assert decide([], worse, RULES).reason.startswith("worse: 0.880 against 0.900")


def test_a_gain_has_to_exceed_the_minimum():
    decision = decide([], BETTER, replace(RULES, min_gain=0.02))
    assert decision.alias == CHALLENGER
    assert decision.reason.startswith("not shown to be better by 0.02: ")


def test_a_negative_minimum_lets_in_a_model_that_is_surely_hardly_worse():
    equal = replace(BETTER, after=0.9, gain_low=-0.006)
    assert decide([], equal, replace(RULES, min_gain=-0.01)).promoted
    decision = decide([], equal, replace(RULES, min_gain=-0.005))
    assert decision.reason.startswith("not shown to be less than 0.005 worse: ")


def test_a_slice_that_falls_by_more_than_its_allowance_blocks_and_is_named():
    decision = decide([], fall(40, 0.8), RULES)
    assert decision.alias == CHALLENGER
    assert "label shirt fell from 0.900 to 0.800 on 40 images" in decision.reason


def test_a_slice_that_falls_by_just_its_allowance_does_not_block():
    assert decide([], fall(40, 0.85), RULES).promoted


def test_a_slice_of_few_images_does_not_block():
    assert decide([], fall(19, 0.0), RULES).promoted


@pytest.mark.parametrize(("images", "units"), [(0, 0), (29, 29), (200, 2)])
def test_with_few_independent_images_that_are_new_to_both_the_champion_stays(images, units):
    few = Comparison("3", images, units, 270, True, 0.0, 1.0, 0.9, ())
    decision = decide([], few, replace(RULES, min_gain=-1.0))
    assert decision.alias == CHALLENGER
    assert f"not comparable: {units} independent test images are left" in decision.reason
    assert "270 were used to train" in decision.reason


def test_a_champion_without_a_record_of_its_training_images_is_said_to_have_none():
    told = decide([], replace(BETTER, recorded=False), RULES).reason
    assert told.endswith("(the champion has no record of its training images)")
