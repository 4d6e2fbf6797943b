"""The tracking store: made where it is absent, tried before any work, in a place that can be moved."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.tracking import artifacts, client, ui, view


def test_an_experiment_is_made_once_and_a_deleted_one_comes_back(project):
    first = client.reach("shapes")
    client.connect().delete_experiment(first)
    assert client.reach("shapes") == first
    assert client.connect().get_experiment(first).lifecycle_stage == "active"


def test_the_place_of_artifacts_holds_no_path(project, experiment):
    location = client.connect().get_experiment(experiment).artifact_location
    assert location == "mlflow-artifacts:/shapes"
    run = client.connect().create_run(experiment)
    client.connect().log_text(run.info.run_id, "hello", "note.txt")
    assert Path(f"mlruns/artifacts/shapes/{run.info.run_id}/artifacts/note.txt").read_text() == "hello"


def test_a_folder_that_was_moved_still_finds_its_artifacts(project, experiment, monkeypatch):
    run = client.connect().create_run(experiment)
    client.connect().log_text(run.info.run_id, "hello", "note.txt")
    moved = project.with_name("moved")
    project.rename(moved)
    monkeypatch.chdir(moved)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # where MLflow keeps what it was told last
    assert client.reach("shapes") == experiment
    # Another process: MLflow remembers in this one where a run's artifacts were.
    code = "import sys, mlflow; print(mlflow.artifacts.load_text(sys.argv[1]))"
    command = [sys.executable, "-c", code, f"runs:/{run.info.run_id}/note.txt"]
    tracked = {**os.environ, "MLFLOW_TRACKING_URI": client.address()}
    told = subprocess.run(command, env=tracked, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert told.splitlines()[-1] == "hello"


def test_the_try_leaves_no_file(project, experiment):
    assert [path for path in Path("mlruns/artifacts").rglob("*") if path.is_file()] == []


def test_artifacts_that_cannot_be_written_are_told_before_any_work(project):
    Path("mlruns").mkdir()
    Path("mlruns/artifacts").write_text("in the way")
    with pytest.raises(HeadstartError, match="artifacts at mlflow-artifacts:/shapes cannot be written"):
        client.reach("shapes")


def test_a_server_that_does_not_answer_is_told(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(HeadstartError, match="http://127.0.0.1:9 cannot be reached"):
        client.reach("shapes")


def test_a_server_keeps_its_own_artifacts():
    assert artifacts.folder_of("http://127.0.0.1:5000") is None
    found = artifacts.repository("mlflow-artifacts:/1/a", tracking_uri="http://127.0.0.1:5000")
    assert found.artifact_uri.startswith("http://127.0.0.1:5000")


def test_the_ui_opens_on_the_view_of_the_last_study_or_on_all_runs(project, experiment):
    pages = ui.pages_of("shapes", 5000)
    assert set(pages) == {"table", "charts"}
    assert all(page.startswith("http://headstart.localhost:5000/#/experiments/") for page in pages.values())
    assert not any("viewStateShareKey" in page for page in pages.values())
    view.save(client.connect(), experiment, "0a1b")
    assert all("viewStateShareKey=headstart" in page for page in ui.pages_of("shapes", 5000).values())
    (tag,) = [
        value
        for name, value in client.connect().get_experiment(experiment).tags.items()
        if name.startswith("mlflow.sharedViewState")
    ]
    assert "'0a1b'" in tag


def test_without_a_study_the_ui_opens_on_its_home(project):
    assert ui.pages_of("shapes", 5001) == {"no study yet": "http://headstart.localhost:5001"}
