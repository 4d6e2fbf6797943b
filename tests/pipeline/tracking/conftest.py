"""A project folder that tracks in its own SQLite file, and small cells to log."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from headstart.pipeline.config import file as config
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.tracking import client, study_run

TEMPLATE = Path(__file__).parents[3] / "pipeline/cli/template/params.yaml"
ALL = Subset(1.0, 4, None, 0)
HALF = Subset(0.5, 2, None, 0)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The folder: parameters, a manifest, the files of two subsets."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(TEMPLATE, "params.yaml")
    Path("manifest.csv").write_text("path,label,split\na/1.png,a,test\nb/1.png,b,test\n")
    Path("subsets").mkdir()
    for subset in (ALL, HALF):
        subset.file.write_text("path,label\na/2.png,a\n")
    return tmp_path


@pytest.fixture
def experiment(project):
    return client.reach("shapes")


@pytest.fixture
def runs_of(experiment):
    """All runs that are not deleted, by name; a name that is there twice fails."""

    def run():
        found = client.connect().search_runs([experiment], max_results=1000)
        by_name = {run.info.run_name: run for run in found}
        assert len(by_name) == len(found)
        return by_name

    return run


@pytest.fixture
def described(project):
    """What a study says of itself; `key` names what goes into it."""

    def make(key="one"):
        loaded = config.load().model_copy(update={"dataset": "shapes"})
        cells = frozenset(study_run.cell_id("scratch", subset) for subset in (ALL, HALF))
        tags = {"manifest": "0123456789abcdef", "git_commit": "c0ffee"}
        return study_run.Described(loaded, tags, key, cells)

    return make


def epoch(number, ended=1000.0):
    """A row of a history, as the trainer tells it."""
    return {
        "epoch": number,
        "phase": "scratch",
        "train_loss": 1.0 / (number + 1),
        "train_accuracy": 0.5,
        "val_loss": 1.5 / (number + 1),
        "val_accuracy": 0.6,
        "learning_rate": 0.1,
        "epoch_seconds": 0.5,
        "elapsed": number + 0.5,
        "ended": ended + number,
    }


def cell(strategy="scratch", subset=ALL, epochs=0, cached=False, model=None, ended=1000.0):
    """A cell of two classes, right on one of two test images."""
    figures = {
        "labels": ["a", "b"],
        "train_accuracy": 0.9,
        "val_accuracy": 0.7,
        "train_seconds": 3.0,
        "seconds_to_best": 2.0,
        "cpu_seconds": 4.0,
        "setup_seconds": 0.1,
        "tuning_seconds": 0.2,
        "labelled_images": subset.images,
    }
    rows = [
        {"path": "a/1.png", "label": "a", "predicted": "a", "confidence": 0.9, "label_rank": 0},
        {"path": "b/1.png", "label": "b", "predicted": "a", "confidence": 0.8, "label_rank": 1},
    ]
    history = [{name: str(value) for name, value in epoch(n, ended).items()} for n in range(epochs)]
    return Cell(strategy, subset, figures, history, rows, cached, model)
