"""The report shows a plan of the same images and the same base, and no other."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from headstart.pipeline.data import manifest
from headstart.pipeline.report import page, planned
from headstart.pipeline.report.paths import PLAN, write_json
from headstart.pipeline.results.forecast import Between, Forecast, Plan

BASE = "MobileNetV2, imagenet, 224 px"
FORECAST = Forecast(
    dataset="birds",
    base=BASE,
    metric="accuracy",
    target=0.9,
    images=750,
    now=Between(0.82, 0.8, 0.84),
    needed=Between(2000.0, 1500.0, math.inf),
    chance=0.8,
    farthest=22_500,
    there=Between(0.95, 0.9, 0.97),
    draws=10,
    head="last, 1 x 1, penalty 10",
    measured=((60, 0.6), (600, 0.81)),
    curve=((60, Between(0.6, 0.58, 0.62)), (22_500, Between(0.95, 0.9, 0.97))),
    milestones=((750, Between(0.82, 0.8, 0.84)),),
    unusual="the error rises from 60 to 90 images",
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project in which `headstart plan` has run."""
    monkeypatch.chdir(tmp_path)
    Path("manifest.csv").write_text("path,label\na/0.png,a\n")
    PLAN.parent.mkdir()
    write_json(PLAN, Plan("birds", BASE, manifest.fingerprint(), (FORECAST,)).as_dict())


def test_a_plan_comes_back_from_its_figures_as_it_was(project):
    assert planned.forecasts(BASE) == [FORECAST]


def test_a_plan_of_other_images_is_not_shown(project):
    with Path("manifest.csv").open("a") as file:
        file.write("b/1.png,b\n")
    assert planned.forecasts(BASE) == []


def test_a_plan_of_another_base_is_not_shown(project):
    assert planned.forecasts(BASE.replace("224", "96")) == []


def test_without_a_plan_there_is_none(project):
    PLAN.unlink()
    assert planned.forecasts(BASE) == []


def test_the_report_has_a_section_with_the_sentence_the_warning_and_the_curve(make_study):
    study = make_study()
    without, html = (page.render(replace(study, forecasts=some)) for some in ([], [FORECAST]))
    assert "How many more images" not in without
    section = html[html.index("<h2>How many more images</h2>") :]
    plain = section.replace("\N{NO-BREAK SPACE}", " ")
    assert FORECAST.sentence in plain
    assert FORECAST.warning in plain
    assert section.count("<svg") == 1
