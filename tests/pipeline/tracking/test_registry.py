"""Models in MLflow: found by what they are, registered once, with the alias that was decided."""

from __future__ import annotations

import time

import pytest

from headstart.pipeline.promotion.decision import CHALLENGER, CHAMPION, Decision
from headstart.pipeline.results.candidate import Candidate
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.tracking import candidates, client, registry
from tests.pipeline.saved_model import saved


@pytest.fixture
def model(tmp_path):
    """Files like a SavedModel's; nobody loads them."""

    def make(content):
        return saved(tmp_path / "models" / content, content)

    return make


def candidate(model, failures=()):
    return Candidate("frozen-100%", 0.9, list(failures), digest(model))


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


def test_a_model_is_registered_once_and_a_champion_is_no_challenger_any_more(experiment, model):
    made = model("one")
    logged = candidates.log_alone(experiment, candidate(made), made)
    assert registry.champion("shapes") is None
    first = registry.register("shapes", logged, Decision(CHALLENGER, "not better"))
    assert registry.champion("shapes") is None
    assert registry.register("shapes", logged, Decision(CHAMPION, "better")) == first
    assert registry.champion("shapes") == (first, logged.model_uri)
    aliases = client.connect().get_registered_model("shapes").aliases
    assert CHALLENGER not in aliases
    other = model("two")
    second = registry.register(
        "shapes", candidates.log_alone(experiment, candidate(other), other), Decision(CHALLENGER, "worse")
    )
    assert int(second) == int(first) + 1
    assert registry.champion("shapes") == (first, logged.model_uri)
    assert client.connect().get_run(logged.run_id).data.tags["promotion"] == "champion: better"
