"""A search before a study: it is resumed after kills, and the study uses its choice."""

from __future__ import annotations

import random
import shutil
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
LONGER = {  # as many trials as ten kills need
    **TUNE,
    "budget_minutes": 20.0,
    "fine_tune": {
        "recipes": 12,
        "unfreeze_depth": [1, 2, -1],
        "batchnorm": ["fixed", "adapting"],
        "learning_rates": [0.02, 0.05, 0.1],
    },
}


def chosen(project) -> dict:
    found = yaml.safe_load((project.folder / "tuned.yaml").read_text(encoding="utf-8"))
    return {name: found[name] for name in ("base", "hyperparameters")}


def search(project, tune: dict, kills: int) -> dict:
    """Kill a search so many times at random moments and let it end; what it chooses."""
    params = project.params
    params["tune"] = tune
    params["study"] = {**params["study"], "strategies": ["frozen", "fine_tune"], "fractions": [1.0]}
    project.write(params)
    rng = random.Random(1)
    trials = project.folder / ".headstart" / "tuner"
    for _ in range(kills):
        kept = {path: path.stat().st_mtime_ns for path in trials.rglob("*.npz")}
        running = project.start("headstart", "tune")
        while len(list(trials.rglob("*.npz"))) == len(kept):  # until the first new trial
            time.sleep(0.1)
            assert running.poll() is None, project.started.read_text(encoding="utf-8")
        time.sleep(rng.uniform(0, 6))
        project.kill(running)
        # No trial that had ended was repeated, or lost.
        assert {path: path.stat().st_mtime_ns for path in kept} == kept
    kept = {path: path.stat().st_mtime_ns for path in trials.rglob("*.npz")}
    project.run("headstart", "tune")
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    return chosen(project)


def search_anew(project) -> dict:
    """Search without a kill, and without what an earlier search has left."""
    shutil.rmtree(project.folder / ".headstart" / "tuner")
    shutil.rmtree(project.folder / ".headstart" / "tfx" / "Tuner")
    project.run("dvc", "repro", "-f", "-s", "tune")
    return chosen(project)


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on_and_the_study_uses_its_choice(project):
    first = search(project, TUNE, kills=2)
    assert first["base"]["image_size"] == 16
    assert any(name.startswith("fine_tune.") for name in first["hyperparameters"])
    assert (project.folder / "tuning" / "tuning.html").is_file()
    assert search_anew(project) == first

    done = project.call("dvc", "repro", "study")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Tuned.fine_tune" in done.stdout


@pytest.mark.long
def test_a_search_that_is_killed_ten_times_chooses_what_it_would_have_chosen(project):
    assert search(project, LONGER, kills=10) == search_anew(project)
