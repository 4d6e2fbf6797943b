"""Who becomes the champion."""

from headstart.pipeline.promotion.decision import CHALLENGER, CHAMPION, decide


def test_the_first_blessed_model_is_the_champion():
    assert decide(0.5, [], None, 0.0).alias == CHAMPION


def test_a_model_that_is_not_blessed_is_a_challenger_even_where_there_is_no_champion():
    decision = decide(0.99, ["accuracy on label 3 is 0.500, 0.600 is asked"], None, 0.0)
    assert decision.alias == CHALLENGER
    assert "label 3 is 0.500" in decision.reason


def test_a_tie_keeps_the_champion():
    assert decide(0.9, [], 0.9, 0.0).alias == CHALLENGER


def test_a_gain_has_to_exceed_the_minimum():
    assert decide(0.92, [], 0.9, 0.03).alias == CHALLENGER
    assert decide(0.94, [], 0.9, 0.03).promoted


def test_a_negative_minimum_lets_an_equal_model_in():
    assert decide(0.9, [], 0.9, -0.01).promoted
