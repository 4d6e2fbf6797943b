"""SIGKILL at 30 random moments: nothing is lost, and MLflow has one study with each cell once."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections import Counter

import pytest

from headstart.pipeline.study import lineage
from headstart.pipeline.verdict.findings import REFERENCES
from tests.stories.conftest import Project
from tests.stories.test_records import last_study, seconds

KILLS = 30
ACCURACIES = ("cell", "test_accuracy", "test_macro_f1", "train_accuracy", "val_accuracy")


@pytest.mark.long
def test_a_study_that_is_killed_again_and_again_ends_as_an_undisturbed_one(project, tmp_path):
    moments = random.Random(os.environ.get("HEADSTART_SEED", "0"))
    params = project.params
    params["study"] |= {"strategies": ["frozen", "fine_tune", "scratch"], "frozen_draws": 2}
    params["scratch"] |= {"epochs": 4, "steps": 60, "search_steps": 5}
    params["fine_tune"]["steps"] = 20
    killed = 0
    while killed < KILLS:
        params["train"]["seed"] += 1
        params["base"]["image_size"] += 1  # so that the images are decoded and embedded again, too
        project.write(params)
        undisturbed = Project(tmp_path / str(killed) / "shapes", project.python)
        shutil.copytree(project.folder, undisturbed.folder, symlinks=True)
        undisturbed.run("dvc", "repro")
        here = 0
        while not _ends(project, moments.uniform(1, 45) if killed < KILLS else None):
            killed, here = killed + 1, here + 1
        print(f"{here} kills; ", end="", flush=True)
        _check(project)
        assert project.table(*ACCURACIES) == undisturbed.table(*ACCURACIES)
        shutil.rmtree(undisturbed.folder)


def _ends(project, after):
    """Whether a run ends well before it is killed; `after` is in seconds, None lets it run."""
    running = project.start("dvc", "repro")
    try:
        assert running.wait(after) == 0
    except subprocess.TimeoutExpired:
        project.kill(running)
        return False
    return True


def _check(project):
    parent, cells = last_study(project)
    assert parent["status"] == "FINISHED"
    counted = Counter((run["run_name"], run["status"]) for run in cells)
    assert counted == {(cell, "FINISHED"): 1 for (cell,) in project.table("cell")}
    nodes = lineage.last_run(project.folder / ".headstart/metadata.db")
    for run in cells:
        name = f"Trainer.{run['tags']['strategy']}.{float(run['tags']['fraction']):g}.{run['tags']['draw']}"
        if run["tags"]["strategy"] not in REFERENCES:
            assert seconds(run) == pytest.approx(nodes[name].ended - nodes[name].began, abs=1.0)
    assert "up to date" in project.run("dvc", "status")
