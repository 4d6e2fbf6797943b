"""A study where something goes wrong: it says so, and loses nothing."""

from __future__ import annotations

import numpy as np

from headstart.components.shared.base import bases


def test_a_dead_tracking_server_is_told_before_any_work(project):
    done = project.call("headstart", "study", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "tracking server at http://127.0.0.1:9 cannot be reached" in done.stderr
    assert "ImageExampleGen" not in done.stdout


def test_a_cell_that_fails_fails_the_study_and_the_next_run_trains_it_alone_and_promotes(project):
    params = project.params
    params["study"] |= {"strategies": ["frozen", "fine_tune"], "draws": 1, "frozen_draws": 1}
    params["fine_tune"]["steps"] = 5
    project.write(params)
    failing = (
        "from headstart.components.trainer import search\n"
        "from headstart.components.references import classifiers\n"
        "def fail(*_): raise ArithmeticError('no number in [/job:0]')\n"
        "search.train = classifiers.svm = fail\n"
    )
    done = project.patched(f"exec({failing!r})")
    assert done.returncode == 1
    assert "4 cells failed (fine_tune-" in done.stderr and "`dvc repro` trains what failed" in done.stderr
    assert not (project.folder / "candidate").exists()
    assert not (project.folder / "pushed").exists()
    log = ".headstart/logs/Trainer.fine_tune.1.0.log"
    assert (
        f"fine_tune-100%: failed (ArithmeticError: no number in [/job:0]; {log} has the traceback)"
        in done.stdout
    )
    assert "Traceback" in (project.folder / log).read_text(encoding="utf-8")
    shown = " ".join(project.run("headstart", "show").split())
    assert "fine_tune-100%: ArithmeticError: no number in [/job:0]" in shown
    failed = {f"{strategy}-{size}" for strategy in ("fine_tune", "pixels_svm") for size in ("100%", "50%")}
    left = {cell for (cell,) in project.table("cell")}
    assert {"frozen-100%", "pixels_logistic-100%"} <= left and not left & failed
    _, parent, children = project.runs()
    assert parent.info.status == children["fine_tune-100%"].info.status == "FAILED"
    assert "ArithmeticError" in children["fine_tune-100%"].data.tags["failure"]
    assert children["frozen-100%"].info.status == "FINISHED"
    again = project.run("dvc", "repro")
    assert "frozen-100%: unchanged" in again
    assert "fine_tune-100%: unchanged" not in again and "References: unchanged" not in again
    assert {cell for (cell,) in project.table("cell")} == left | failed
    assert "Running stage 'promote'" in again
    assert project.runs()[1].info.status == "FINISHED"


def test_a_study_that_tolerates_failures_goes_on_without_the_cell(project):
    params = project.params
    params["study"] |= {"strategies": ["frozen", "fine_tune"], "references": False, "tolerate_failures": True}
    params["fine_tune"]["steps"] = 6
    project.write(params)
    done = project.patched("from headstart.components.trainer import search; search.train = None")
    assert done.returncode == 0, done.stderr
    assert "fine_tune-100%: failed (TypeError" in done.stdout
    assert project.read("reports/summary.json")["cell"] == "frozen-100%"
    assert (project.folder / "candidate/candidate.json").exists()


def test_where_no_cell_could_be_promoted_the_study_stops_and_says_why(project):
    params = project.params
    params["study"] |= {"strategies": ["fine_tune"], "references": False}
    params["fine_tune"]["steps"] = 7
    project.write(params)
    failing = "from headstart.components.trainer import search; search.train = None"
    done = project.patched(failing)
    assert done.returncode == 1
    assert "fine_tune-100%: failed (TypeError" in done.stdout
    assert "No cell on the largest subset could be trained" in done.stderr


def test_a_base_whose_features_are_destroyed_comes_out_as_negative_transfer(project):
    base = bases.load("compact", "random", 16, {})
    for layer in base.layers:
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    base.save_weights(project.folder / "destroyed.weights.h5")
    params = project.params
    params["base"]["weights"] = "destroyed.weights.h5"
    params["study"] |= {"strategies": ["scratch", "frozen"], "fractions": [1.0]}
    project.write(params)
    told = project.run("headstart", "study")
    verdict = project.read("reports/verdict.json")
    assert "scratch-100%: unchanged" in told  # it has nothing of the base
    assert [one["verdict"] for one in verdict["comparisons"]] == ["worse"]
    assert verdict["negative"][0].startswith("Negative transfer: with all 48 images scratch is")
    assert "Negative transfer" in verdict["sentence"]
    assert verdict["rating"] == "bad"
    assert project.read("reports/summary.json")["cell"] == "scratch-100%"
