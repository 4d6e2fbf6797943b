"""A search before a study: it is resumed after kills, and the study uses its choice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time

import pytest
import yaml

TUNE = {
    "enabled": True,
    "budget_minutes": 3.0,
    "class_weights": True,
    "fine_tune": {"recipes": 2, "unfreeze_depth": [1], "batchnorm": ["fixed"], "learning_rates": [0.05]},
    "scratch": {"recipes": 1, "learning_rates": [0.05], "weight_decay": [0.01]},
}
KILLS = 2


def chosen(project) -> dict:
    found = yaml.safe_load((project.folder / "tuned.yaml").read_text(encoding="utf-8"))
    return {name: found[name] for name in ("base", "hyperparameters")}


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on_and_the_study_uses_its_choice(project):
    params = project.params
    params["tune"] = TUNE
    params["study"] = {**params["study"], "strategies": ["frozen", "fine_tune"], "fractions": [1.0]}
    project.write(params)
    rng = random.Random(1)
    trials = project.folder / ".headstart" / "tuner"
    for _ in range(KILLS):
        before = {path.name for path in trials.rglob("*.npz")}
        running = project.start("headstart", "tune")
        time.sleep(rng.uniform(20, 40))
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        assert before <= {path.name for path in trials.rglob("*.npz")}
    kept = {path: path.stat().st_mtime_ns for path in trials.rglob("*.npz")}
    project.run("headstart", "tune")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept  # no trial was repeated
    first = chosen(project)
    assert first["base"]["image_size"] == 16
    assert any(name.startswith("fine_tune.") for name in first["hyperparameters"])
    assert (project.folder / "tuning" / "tuning.html").is_file()

    shutil.rmtree(trials)
    shutil.rmtree(project.folder / ".headstart" / "tfx" / "Tuner")
    project.run("dvc", "repro", "-f", "-s", "tune")
    assert chosen(project) == first  # a search that was never killed makes the same choice

    done = project.call("dvc", "repro", "study")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tuned.fine_tune" in done.stdout
