"""The three answers, in words and figures."""

import json
import re
from dataclasses import replace

import pytest

from benchmarks.plan_simulation import simulated
from headstart.pipeline.forecast import answer, page, scores
from headstart.pipeline.forecast.answer import About, Target
from headstart.pipeline.results.forecast import Plan

ABOUT = About("birds", "compact, random, 16 px", "last, 1 x 1, penalty 10", 750)


@pytest.fixture(scope="module")
def measured():
    return simulated(3)[0]  # 82 % with 600 images


def _forecast(measured, target):
    return answer.forecast(measured, Target("accuracy", scores.accuracy, target), ABOUT, 0)


def test_a_target_below_the_present_score_is_reached(measured):
    found = _forecast(measured, 0.5)
    assert found.outcome == "reached"
    assert found.sentence.startswith("50.0 % accuracy is reached: it is ")
    assert found.more(found.needed.value) == 0


def test_a_target_that_is_a_little_higher_takes_more_images(measured):
    now = _forecast(measured, 0.5).now.value
    found = _forecast(measured, now + 0.02)
    assert found.outcome == "needs more"
    assert found.needed.low < found.needed.value < found.needed.high
    assert re.search(
        r"accuracy takes about [\d,]+ more training images like these \(80 % range: [\d,]+ to ",
        found.sentence,
    )


def test_a_target_next_to_perfection_is_not_reachable(measured):
    found = _forecast(measured, 0.999)
    assert found.outcome == "not reachable"
    assert "not reachable with this base by more images like these" in found.sentence
    assert found.chance < 0.5


def test_a_higher_target_takes_more_images(measured):
    now = _forecast(measured, 0.5).now.value
    assert _forecast(measured, now + 0.03).needed.value > _forecast(measured, now + 0.01).needed.value


def test_an_open_end_of_the_range_is_said_to_be_one(measured):
    found = _forecast(measured, 0.5)
    open_ended = replace(found, target=found.now.value + 0.01, needed=answer.Between(900, 800, float("inf")))
    assert "about 150 more" in open_ended.sentence
    assert "50 to more than 22,000" in open_ended.sentence


def test_a_curve_that_does_not_fall_as_usual_is_said_to_be_so(measured):
    found = replace(_forecast(measured, 0.5), unusual="the error rises from 90 to 132 images")
    assert found.warning == (
        "The curve does not fall the usual way: the error rises from 90 to 132 images. "
        "Do not rely on the range."
    )


def test_figures_are_json_and_the_page_has_the_sentence_and_a_picture_for_each_target(measured):
    found = [_forecast(measured, target) for target in (0.5, 0.999)]
    assert json.loads(json.dumps(found[0].as_dict()))["images"] == 750
    html = page.render(Plan("birds", "compact", "", tuple(found)), "2024-01-01 00:00")
    assert html.count("<svg") == 2
    assert all(one.sentence in html for one in found)
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org", "")
