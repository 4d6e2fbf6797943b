"""Models in MLflow: found by what they are, registered once, with the alias that was decided."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from headstart.pipeline.data import seen
from headstart.pipeline.data.seen import Seen
from headstart.pipeline.promotion.decision import CHALLENGER
from headstart.pipeline.results.candidate import Candidate
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.tracking import candidates, client, registry
from headstart.pipeline.tracking.registry import Event
from tests.pipeline.saved_model import saved


@pytest.fixture
def model(tmp_path):
    """Files like a SavedModel's; nobody loads them."""

    def make(content):
        return saved(tmp_path / "models" / content, content)

    return make


def candidate(model, failures=()):
    return Candidate("frozen-100%", 0.9, list(failures), digest(model), {})


@pytest.fixture
def register(experiment, model, tmp_path):
    """Registers a model of some content."""

    def make(content, **tags):
        made = model(content) if content not in {path.name for path in tmp_path.glob("models/*")} else None
        made = made or tmp_path / "models" / content
        logged = candidates.find(experiment, digest(made)) or candidates.log_alone(
            experiment, candidate(made), made
        )
        Seen(frozenset(content), frozenset()).write(tmp_path / seen.FILE)
        return registry.register("shapes", logged, digest(made), tags, "**told**", tmp_path / seen.FILE)

    return make


def test_a_model_is_logged_with_its_run_and_found_by_its_digest(experiment, model):
    made = model("one")
    run = client.connect().create_run(experiment, run_name="frozen-100%")
    assert candidates.find(experiment, digest(made)) is None
    logged = candidates.log(run.info.run_id, made, digest(made), ended=1234.5)
    assert candidates.find(experiment, digest(made)) == logged
    assert candidates.find(experiment, digest(model("two"))) is None
    ended = client.connect().get_run(run.info.run_id).info
    assert (ended.status, ended.end_time) == ("FINISHED", 1_234_500)
    saved = registry.saved_model(logged.model_uri)
    assert digest(saved) == digest(made)


def test_a_model_without_a_training_run_gets_one_of_its_own(experiment, model, runs_of, monkeypatch):
    made = model("one")
    monkeypatch.setenv("HEADSTART_TRIGGER", "schedule: 0 3 * * 1")
    before = time.time()
    logged = candidates.log_alone(experiment, candidate(made, ["too low"]), made)
    run = runs_of()["frozen-100%"]
    assert logged.run_id == run.info.run_id
    assert run.info.status == "FINISHED" and run.info.end_time >= 1000 * before - 1
    assert run.data.metrics["test_accuracy"] == 0.9
    assert run.data.tags["blessed"] == "false"
    assert run.data.tags["trigger"] == "schedule: 0 3 * * 1"


def test_a_model_is_registered_once_with_what_it_was_made_from(register):
    first = register("one", cell="frozen-100%")
    assert first.number == "1" and first.tags["cell"] == "frozen-100%"
    again = register("one", decision="better")
    assert again.number == "1" and again.tags["decision"] == "better"
    assert client.connect().get_model_version("shapes", "1").description == "**told**"
    assert register("two").number == "2"
    assert [one.number for one in registry.versions("shapes")] == ["2", "1"]


def test_the_images_that_a_version_has_seen_are_kept_with_it(register):
    assert registry.images_seen(register("1")) == Seen(frozenset("1"), frozenset())
    assert registry.images_seen(register("2")) == Seen(frozenset("2"), frozenset())


def test_a_version_without_that_file_has_none(register, model):
    one = register("one")
    run = client.connect().create_run(client.reach("shapes"))
    assert registry.images_seen(replace(one, run_id=run.info.run_id)) is None


def test_there_is_one_champion_and_it_is_no_challenger_any_more(register):
    assert registry.champion("shapes") is None
    one, two = register("one"), register("two")
    registry.make_challenger("shapes", one.number)
    assert registry.champion("shapes") is None
    registry.make_champion("shapes", one.number)
    assert registry.champion("shapes") == one
    assert CHALLENGER not in client.connect().get_registered_model("shapes").aliases
    registry.make_challenger("shapes", two.number)
    registry.make_champion("shapes", one.number)
    assert client.connect().get_registered_model("shapes").aliases == {"champion": 1, "challenger": 2}


def test_a_withdrawn_version_may_be_reinstated(register):
    one = register("one")
    registry.withdraw("shapes", one.number, "it fails at night")
    assert registry.version("shapes", "1").tags[registry.WITHDRAWN] == "it fails at night"
    registry.reinstate("shapes", "1")
    registry.reinstate("shapes", "1")
    assert registry.WITHDRAWN not in registry.version("shapes", "1").tags


def test_changes_are_noted_before_and_kept_after(register):
    register("one")
    first, second = (Event.now(number, "", "because", "a test") for number in "12")
    registry.begin("shapes", first)
    assert registry.begun("shapes") == first
    registry.record("shapes", first)
    registry.record("shapes", first)
    registry.end("shapes")
    registry.end("shapes")
    assert registry.begun("shapes") is None
    registry.record("shapes", second)
    assert registry.events("shapes") == [second, first]
    assert registry.events("another") == [] and registry.begun("another") is None
