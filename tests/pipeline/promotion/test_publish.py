"""What is live changes whole: after a crash at any point, after a hand in MLflow, back and forth."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.promotion import publish, rollback
from headstart.pipeline.serving import models
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.tracking import client, registry
from tests.pipeline.promotion.conftest import NAME, registered

ROOT = Path(__file__).parents[3]
KILLED = """
import os, shutil, signal, sys
from pathlib import Path

# Dies on the way into, or on the way out of, the n-th step that changes anything.
left = int(sys.argv[1])
def step(owner, name):
    done = getattr(owner, name)
    def dying(*arguments, **options):
        global left
        for act in (None, done):
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            if act:
                result = act(*arguments, **options)
        return result
    setattr(owner, name, dying)

from headstart.pipeline.promotion import publish
from headstart.pipeline.serving import models
from headstart.pipeline.tracking import registry
from headstart.pipeline.data.seen import Seen
version = registry.version("my-images", "2")
from mlflow import MlflowClient
for name in ("begin", "make_champion", "reinstate", "withdraw", "record", "end"):
    step(registry, name)
steps = [(shutil, "copytree"), (Path, "replace"), (Seen, "write"), (Path, "rename"), (shutil, "rmtree")]
for owner, name in [*steps, (MlflowClient, "set_registered_model_alias")]:
    step(owner, name)
publish.publish("my-images", version, "better", "a test", withdraws=True)
print("done", -left)
"""


@pytest.fixture
def two(project):
    """Two versions, of which the first is live."""
    one, other = registered("one"), registered("two")
    publish.publish(NAME, one, "the first", "a test")
    return one, other


def live():
    """The champion's number, and the content of what is served."""
    return registry.champion(NAME).number, (models.champion(NAME) / "saved_model.pb").read_text()


def numbers():
    return sorted(path.name for path in Path("serving", NAME).iterdir())


def story():
    return [(event.version, event.before, event.reason) for event in reversed(registry.events(NAME))]


def test_a_version_becomes_champion_and_is_served_alone(two):
    assert live() == ("1", "one")
    place = publish.publish(NAME, two[1], "better", "a test")
    assert place == Path("serving", NAME, "2") and numbers() == ["2"]
    assert live() == ("2", "two")
    assert story() == [("1", "", "the first"), ("2", "1", "better")]
    assert publish.follow(NAME) == []


@pytest.mark.slow
def test_after_a_kill_at_any_step_one_champion_is_served_whole_and_the_next_command_ends_the_change(
    two, tmp_path, monkeypatch
):
    outcomes, whole = [], {digest(Path("models", one)) for one in ("one", "two")}
    for point in range(60):
        # A copy of its own for each: MLflow keeps a connection to each file.
        project = tmp_path.parent / f"killed-{point}"
        shutil.copytree(tmp_path, project)
        monkeypatch.chdir(project)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(point)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        served = models.champion(NAME)
        assert served is not None and digest(served) in whole
        publish.follow(NAME)
        number, content = live()
        assert (number, content) in {("1", "one"), ("2", "two")}
        assert numbers() == [number]
        assert registry.begun(NAME) is None
        assert [event[0] for event in story()] == (["1"] if number == "1" else ["1", "2"])
        withdrawn = [one.number for one in registry.versions(NAME) if registry.WITHDRAWN in one.tags]
        assert withdrawn == ([] if number == "1" else ["1"])
        assert not list(Path("serving", NAME).glob(".*"))
        assert publish.follow(NAME) == []
        outcomes.append(number)
    assert done.returncode == 0
    assert len(outcomes) >= 10 and set(outcomes) == {"1", "2"}
    assert outcomes == sorted(outcomes)  # before the alias is moved the old one stays, after it the new one


def test_an_alias_that_was_moved_by_hand_is_followed_and_recorded(two):
    client.connect().set_registered_model_alias(NAME, "champion", "2")
    told = publish.follow(NAME)
    assert told[0] == "The alias champion was moved from version 1 to version 2."
    assert live() == ("2", "two")
    assert story()[-1] == ("2", "1", "the alias champion was moved by hand")


def test_an_alias_that_was_deleted_by_hand_is_reported_and_serving_stays(two):
    client.connect().delete_registered_model_alias(NAME, "champion")
    (told,) = publish.follow(NAME)
    assert "has no champion" in told and numbers() == ["1"]


def test_a_served_model_that_was_deleted_is_fetched_from_the_registry(two):
    shutil.rmtree("serving")
    assert publish.follow(NAME) == [f"Version 1 is now served from serving/{NAME}/1."]
    assert live() == ("1", "one")


def test_a_champion_of_an_earlier_release_begins_the_history(two):
    for tag in client.connect().get_registered_model(NAME).tags:
        client.connect().delete_registered_model_tag(NAME, tag)
    assert publish.follow(NAME) == []
    assert story() == [("1", "", "it was the champion already")]


def test_a_model_that_cannot_be_fetched_changes_nothing(two, monkeypatch):
    def lost(_):
        raise OSError("no space left")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="no space"):
        patched.setattr(registry, "saved_model", lost)
        publish.publish(NAME, two[1], "better", "a test")
    assert live() == ("1", "one") and registry.begun(NAME) is None


def back(number=None, reason=""):
    return rollback.rollback(NAME, number, reason, Console(file=io.StringIO()))


def test_a_rollback_takes_the_version_that_was_live_before_or_the_one_that_is_named(two):
    publish.publish(NAME, two[1], "better", "a test")
    assert back(reason="it fails at night").reason == "rolled back from version 2: it fails at night"
    assert live() == ("1", "one") and numbers() == ["1"]
    assert registry.version(NAME, "2").tags[registry.WITHDRAWN].startswith("rolled back from version 2")
    assert back("2").version == "2"
    assert live() == ("2", "two")
    assert registry.WITHDRAWN not in registry.version(NAME, "2").tags
    assert [event.version for event in rollback.history(NAME, Console(file=io.StringIO()))] == list("2121")


def test_a_second_rollback_goes_further_back_and_not_to_the_version_that_was_left(two):
    publish.publish(NAME, two[1], "better", "a test")
    publish.publish(NAME, registered("three"), "better", "a test")
    assert back(reason="3 is bad").version == "2"
    assert back(reason="2 is bad too").version == "1"
    withdrawn = [one.number for one in registry.versions(NAME) if registry.WITHDRAWN in one.tags]
    assert withdrawn == ["3", "2"]


def test_a_rollback_to_what_cannot_be_fetched_changes_nothing(two):
    publish.publish(NAME, two[1], "better", "a test")
    for file in Path("mlruns").rglob("saved_model.pb"):
        if file.read_text() == "one":
            file.unlink()
    with pytest.raises(HeadstartError, match="is not one that headstart logged"):
        back()
    assert live() == ("2", "two") and registry.WITHDRAWN not in registry.version(NAME, "2").tags


def test_a_version_that_somebody_else_registered_disturbs_nothing_until_it_is_the_champion(two):
    mlflow = client.connect()
    foreign = mlflow.create_model_version(NAME, str(Path("models/one").resolve()))
    publish.publish(NAME, two[1], "better", "a test")
    assert live() == ("2", "two") and publish.follow(NAME) == []
    mlflow.set_registered_model_alias(NAME, "champion", str(foreign.version))
    with pytest.raises(HeadstartError, match="cannot be served: give the alias champion to another version"):
        publish.follow(NAME)
    told = io.StringIO()
    rollback.catch_up(NAME, Console(file=told, width=500))
    assert "What is in serving/ is served." in told.getvalue()
    assert back("1").version == "1" and live() == ("1", "one")


def test_a_kill_between_the_two_aliases_leaves_no_champion_that_is_a_challenger(two, monkeypatch):
    from mlflow import MlflowClient

    registry.make_challenger(NAME, "2")

    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(MlflowClient, "delete_registered_model_alias", die)
        publish.publish(NAME, two[1], "better", "a test")
    publish.follow(NAME)
    assert client.connect().get_registered_model(NAME).aliases == {"champion": 2}


def test_a_tag_of_somebodys_own_and_a_long_reason_are_no_trouble(two):
    client.connect().set_registered_model_tag(NAME, "live demo", "yes")
    publish.publish(NAME, two[1], "é" * 9000, "a test")
    assert publish.follow(NAME) == []
    assert registry.events(NAME)[0].reason == "é" * 2000


def test_a_name_that_was_never_tracked_is_not_made_by_looking(project):
    told = io.StringIO()
    rollback.catch_up("typo", Console(file=told))
    assert not Path("mlruns").exists() and told.getvalue() == ""


def test_a_rollback_to_what_is_not_there_or_is_live_already_says_so(two):
    with pytest.raises(
        HeadstartError, match=r"No other version of my-images was live before: name one of 2, 1"
    ):
        back()
    with pytest.raises(HeadstartError, match="has no version 7: name one of 2, 1"):
        back("7")
    with pytest.raises(HeadstartError, match="Version 1 of my-images is live already"):
        back("1")


def test_without_any_champion_there_is_no_history(project):
    with pytest.raises(HeadstartError, match="No version of my-images was ever live"):
        rollback.history(NAME, Console(file=io.StringIO()))
