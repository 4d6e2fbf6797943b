"""What the records say is what happened: while it runs, after a kill, in another place, in a clone."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import mlflow
import pytest

from headstart.pipeline.study import lineage
from tests.stories.conftest import Project

_READ = """
import json, sys, mlflow
client = mlflow.MlflowClient(sys.argv[1])
(experiment,) = [one for one in client.search_experiments() if one.name == "shapes"]
found = client.search_runs([experiment.experiment_id], max_results=1000)
print(json.dumps([{**dict(run.info), "metrics": run.data.metrics, "tags": run.data.tags} for run in found]))
"""


def last_study(project):
    """The newest parent run and its children, as another process reads them."""
    command = [sys.executable, "-c", _READ, f"sqlite:///{project.folder}/mlruns/mlflow.db"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    runs = json.loads(told)
    parents = [run for run in runs if "study_key" in run["tags"]]
    parent = max(parents, key=lambda run: run["start_time"])
    assert len([run for run in parents if run["tags"]["study_key"] == parent["tags"]["study_key"]]) == 1
    assert not [run for run in parents if run["status"] == "RUNNING" and run is not parent]
    mine = [run for run in runs if run["tags"].get("mlflow.parentRunId") == parent["run_id"]]
    return parent, mine


def seconds(run):
    return (run["end_time"] - run["start_time"]) / 1000


@pytest.fixture
def small(project):
    """Three cells, trained from scratch."""
    params = project.params
    params["study"] |= {"strategies": ["scratch"], "references": False, "draws": 2}
    params["scratch"] |= {"steps": 300, "epochs": 30, "learning_rates": [0.02], "patience": 30}
    params["train"]["seed"] = 3
    project.write(params)
    return project


def test_mlflow_shows_a_study_while_it_runs_and_one_that_was_killed_goes_on_in_the_same_run(small):
    running = small.start("dvc", "repro")
    try:
        while True:
            assert running.poll() is None, running.communicate()
            parent, cells = last_study(small)
            states = Counter(run["status"] for run in cells)
            training = [run for run in cells if run["status"] == "RUNNING" and "val_loss" in run["metrics"]]
            if parent["status"] == "RUNNING" and states["FINISHED"] == 2 and training:
                break
            time.sleep(0.3)
    finally:
        small.kill(running)
    assert len(cells) == 3

    small.run("dvc", "repro")
    resumed, after = last_study(small)
    assert resumed["run_id"] == parent["run_id"]
    assert resumed["status"] == "FINISHED"
    assert Counter((run["run_name"], run["status"]) for run in after) == {
        (name, "FINISHED"): 1 for name in ("scratch-100%", "scratch-50%", "scratch-50% draw 2")
    }
    finished = {run["run_id"] for run in cells if run["status"] == "FINISHED"}
    assert finished < {run["run_id"] for run in after}
    nodes = lineage.last_run(small.folder / ".headstart/metadata.db")
    for run in after:
        node = nodes[f"Trainer.scratch.{float(run['tags']['fraction']):g}.{run['tags']['draw']}"]
        assert seconds(run) == pytest.approx(node.ended - node.began, abs=1.0)
        file = small.folder / run["tags"]["subset"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == run["tags"]["subset_digest"]
    assert "up to date" in small.run("dvc", "status")


def test_a_project_that_was_moved_trains_nothing_again_and_finds_its_artifacts(project):
    moved = Project(project.folder.parent / "elsewhere" / "shapes", project.python)
    moved.folder.parent.mkdir()
    project.folder.rename(moved.folder)
    try:
        assert "Running stage" not in moved.run("dvc", "repro")
        client, _, children = moved.runs()
        run = next(run for run in children.values() if run.data.tags.get("candidate") == "true")
        assert "predictions.csv" in {item.path for item in client.list_artifacts(run.info.run_id)}
        mlflow.set_tracking_uri(f"sqlite:///{moved.folder}/mlruns/mlflow.db")
        model = Path(mlflow.artifacts.download_artifacts(run.data.tags["model_uri"]))
        assert model.is_relative_to(moved.folder)
        assert list(model.glob("artifacts/*/saved_model.pb"))

        params = moved.params
        params["study"]["strategies"] = ["frozen", "fine_tune"]
        params["fine_tune"]["steps"] = 8
        moved.write(params)
        told = [line for line in moved.run("dvc", "repro").splitlines() if line.startswith("✓")]
        again = {line.split(":")[0].removeprefix("✓ ") for line in told if "unchanged" not in line}
        trained = {"fine_tune-100%", "fine_tune-50%", "fine_tune-50% draw 2"}
        checked = {
            "ImportSchemaGen",
            "StoppingExampleValidator",
        }  # with the kept schema
        assert trained <= again <= trained | checked | {"Evaluator", "Pusher"}
    finally:
        moved.folder.rename(project.folder)


def test_a_clone_that_pulls_promotes_and_predicts_without_training(project, tmp_path):
    _commit(project, "a study")
    project.run("dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    _commit(project, "a remote")
    project.run("dvc", "push")
    clone = Project(tmp_path / "clone", project.python)
    subprocess.run(["git", "clone", "--quiet", str(project.folder), str(clone.folder)], check=True)
    clone.run("dvc", "pull")
    assert clone.read("reports/metrics.json") == project.read("reports/metrics.json")
    told = clone.run("dvc", "repro")
    assert "Stage 'study' didn't change, skipping" in told
    assert "Running stage 'promote'" in told
    assert clone.read(".headstart/promotion.json")["alias"] == "champion"
    answer = json.loads(clone.run("headstart", "predict", "--json", "data/circle/00.png"))
    assert answer == json.loads(project.run("headstart", "predict", "--json", "data/circle/00.png"))
    assert "champion" in clone.run("headstart", "show")
    assert not (clone.folder / ".headstart/tfx").exists()
    assert clone.run("git", "status", "--porcelain") == ""
    assert "Running stage" not in clone.run("dvc", "repro")


def test_experiments_are_compared_and_one_is_taken_over_with_its_model(project):
    params = project.params
    params["study"] |= {"strategies": ["frozen"], "references": False, "fractions": [1.0]}
    project.write(params)
    _commit(project, "a smaller study")
    for rate, seed in (("first", 6), ("second", 7)):
        project.run("dvc", "exp", "run", "--name", rate, "-S", f"train.seed={seed}")
    shown = project.run("dvc", "exp", "show", "--csv", "--only-changed")
    rows = [row.split(",") for row in shown.splitlines()]
    assert any("train.seed" in column for column in rows[0])
    assert any("test_accuracy" in column for column in rows[0])
    digest = project.read("candidate/candidate.json")["model_digest"]
    project.run("dvc", "exp", "apply", "first")
    taken = project.read("candidate/candidate.json")["model_digest"]
    assert project.params["train"]["seed"] == 6
    assert taken == hashlib.sha256(_model_bytes(project.folder / "candidate/model")).hexdigest()
    told = project.run("dvc", "repro")
    assert "Running stage 'study'" not in told
    assert project.read(".headstart/promotion.json")["candidate"] == taken != digest


def test_the_full_study_leaves_the_stages_outputs_alone(project):
    before = {name: _tree(project.folder / name) for name in ("reports", "candidate", "pushed")}
    told = project.run("headstart", "study", "--full")
    assert "headstart promote --full" in told
    assert before == {name: _tree(project.folder / name) for name in before}
    assert "up to date" in project.run("dvc", "status")
    assert project.read("full/candidate/candidate.json")["cell"] == "frozen-100%"
    assert "frozen-100%" in project.run("headstart", "show", "--full")
    assert "challenger" in project.run("headstart", "promote", "--full")
    assert "up to date" in project.run("dvc", "status")


def _commit(project, message):
    project.run("git", "add", "--all")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    project.run(*git, "commit", "--quiet", "--message", message)


def _model_bytes(model):
    files = [model / "saved_model.pb", *sorted((model / "variables").iterdir())]
    return b"".join(file.read_bytes() for file in files)


def _tree(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
