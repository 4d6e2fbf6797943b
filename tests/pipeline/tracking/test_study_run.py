"""A study in MLflow, while it runs, after it was interrupted, and when it has failed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.tracking import client, study_run
from tests.pipeline.tracking.conftest import ALL, HALF, cell, epoch


class Killed(BaseException):
    """Like Ctrl-C."""


def parent(runs):
    (found,) = [run for run in runs.values() if "study_key" in run.data.tags]
    return found


def kill(experiment, described):
    """A study that dies while its second cell trains, as after SIGKILL: nothing is closed."""
    study = study_run._open(experiment, described)
    study.began("scratch", ALL)
    study.ended(cell(), 1000.0, 1004.5)
    study.began("scratch", HALF)
    study.epoch(epoch(0))
    return study


def test_a_cell_is_running_with_its_first_epoch_while_it_trains(experiment, described, runs_of):
    with study_run.tracked(experiment, described()) as study:
        study.began("scratch", ALL)
        study.epoch(epoch(0))
        runs = runs_of()
        assert parent(runs).info.status == runs["scratch-100%"].info.status == "RUNNING"
        assert runs["scratch-100%"].data.metrics["val_loss"] == 1.5
        assert runs["scratch-100%"].data.params["strategy"] == "scratch"
        study.ended(cell(epochs=3), 1000.0, 1004.5)
    runs = runs_of()
    assert parent(runs).info.status == "FINISHED"
    ended = runs["scratch-100%"]
    assert ended.info.status == "FINISHED"
    assert ended.info.end_time == 1_004_500
    assert ended.data.metrics["test_accuracy"] == 0.5
    assert ended.data.metrics["overfit_gap"] == pytest.approx(0.2)
    steps = [one.step for one in client.connect().get_metric_history(ended.info.run_id, "val_loss")]
    assert steps == [0, 1, 2]
    assert ended.data.tags["subset"] == "subsets/1.csv"
    assert len(ended.data.tags["subset_digest"]) == 64
    assert ended.inputs.dataset_inputs[0].dataset.digest == "0123456789ab"


def test_the_hooks_of_a_schedule_do_not_go_to_the_server(experiment, described, runs_of, project):
    file = project / "params.yaml"
    file.write_text(file.read_text().replace('on_failure: ""', "on_failure: https://chat.example/secret"))
    with study_run.tracked(experiment, described()) as study:
        study.began("scratch", ALL)
    logged = study_run.connect().download_artifacts(study.parent, "params.yaml", str(project / "mlruns"))
    text = Path(logged).read_text()
    assert "batch_size: " in text and " # " in text
    assert "secret" not in text and "schedule" not in text
    for run in runs_of().values():
        assert "head.dropout" in run.data.params
        assert not [name for name in run.data.params if name.startswith("schedule")]


def test_a_history_that_was_given_up_is_not_what_the_run_shows(experiment, described, runs_of):
    with study_run.tracked(experiment, described()) as study:
        study.began("scratch", ALL)
        study.epoch(epoch(0, ended=500.0))  # of a rate at which nothing was learnt
        study.ended(cell(epochs=2), 400.0, 1001.0)
    run = runs_of()["scratch-100%"]
    history = client.connect().get_metric_history(run.info.run_id, "val_loss")
    assert [(one.step, one.timestamp) for one in history] == [(0, 1_000_000), (1, 1_001_000)]
    assert run.info.start_time == 400_000


def test_a_cell_of_the_cache_has_the_times_of_its_own_training(experiment, described, runs_of):
    with study_run.tracked(experiment, described()) as study:
        study.ended(cell(cached=True), 1000.0, 1007.0)
    run = runs_of()["scratch-100%"]
    assert (run.info.start_time, run.info.end_time) == (1_000_000, 1_007_000)
    assert run.data.tags["cached"] == "true"


def test_a_killed_study_goes_on_in_the_same_run_with_every_cell_once(experiment, described, runs_of):
    first = kill(experiment, described())
    kept = runs_of()["scratch-100%"].info.run_id
    with study_run.tracked(experiment, described()) as study:
        assert study.parent == first.parent
        assert "scratch-50%" not in runs_of()  # it is trained again
        study.ended(cell(cached=True), 1000.0, 1004.5)
        study.began("scratch", HALF)
        study.ended(cell(subset=HALF), 2000.0, 2002.0)
    runs = runs_of()
    assert runs["scratch-100%"].info.run_id == kept
    assert runs["scratch-100%"].data.tags["cached"] == "false"
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_a_killed_study_is_closed_where_something_else_goes_into_the_next(experiment, described):
    first = kill(experiment, described("one"))
    with study_run.tracked(experiment, described("two")) as study:
        assert study.parent != first.parent
    found = client.connect().search_runs([experiment])
    states = {(run.info.run_name.split()[0], run.info.status) for run in found}
    assert states == {
        ("study", "KILLED"),
        ("study", "FINISHED"),
        ("scratch-100%", "FINISHED"),
        ("scratch-50%", "KILLED"),
    }


def test_a_killed_study_is_resumed_although_the_work_folder_was_deleted(experiment, described, project):
    first = kill(experiment, described())
    (project / ".headstart/id").unlink()
    with study_run.tracked(experiment, described()) as study:
        assert study.parent == first.parent


@pytest.mark.parametrize(("error", "status"), [(HeadstartError("no"), "FAILED"), (Killed(), "KILLED")])
def test_a_study_that_ends_early_leaves_nothing_running(experiment, described, runs_of, error, status):
    with pytest.raises(type(error)), study_run.tracked(experiment, described()) as study:
        study.began("scratch", ALL)
        raise error
    assert {run.info.status for run in runs_of().values()} == {status}


def test_a_study_that_was_interrupted_by_the_user_is_resumed(experiment, described, runs_of):
    with pytest.raises(Killed), study_run.tracked(experiment, described()) as first:
        raise Killed
    with study_run.tracked(experiment, described()) as study:
        assert study.parent == first.parent
        assert parent(runs_of()).info.status == "RUNNING"
    assert parent(runs_of()).info.status == "FINISHED"


def test_a_failed_cell_is_a_failed_run_with_the_reason(experiment, described, runs_of):
    with study_run.tracked(experiment, described()) as study:
        study.began("scratch", ALL)
        study.failed("scratch", ALL, "ArithmeticError: no number")
        study.failed("pixels_svm", ALL, "MemoryError")  # a reference, which nobody saw begin
    runs = runs_of()
    for name, reason in (("scratch-100%", "ArithmeticError: no number"), ("pixels_svm-100%", "MemoryError")):
        assert runs[name].info.status == "FAILED"
        assert runs[name].data.tags["failure"] == reason


def test_a_server_that_stops_answering_costs_an_epoch_nothing_and_a_cell_a_sentence(
    experiment, described, monkeypatch
):
    with study_run.tracked(experiment, described()) as study:
        study.began("scratch", ALL)
        with monkeypatch.context() as dead:
            dead.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
            dead.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
            study.epoch(epoch(0))
            dead.setattr(study_run.cell_runs, "log_epochs", None)  # it is not tried again before the end
            study._flushed = 0.0
            study.epoch(epoch(1))
            dead.undo()
            dead.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
            dead.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
            with pytest.raises(
                HeadstartError, match="MLflow at http://127.0.0.1:9 failed.*What was trained is kept"
            ):
                study.ended(cell(epochs=1), 1000.0, 1002.0)
        study.ended(cell(epochs=1), 1000.0, 1002.0)


def test_two_subsets_whose_names_look_alike_are_two_runs(experiment, described):
    near = Subset(1.0003, 4, None, 0)
    near.file.write_text("path,label\na/2.png,a\n")
    with study_run.tracked(experiment, described()) as study:
        study.ended(cell(), 1000.0, 1001.0)
        study.ended(cell(subset=near), 1000.0, 1001.0)
    names = [run.info.run_name for run in client.connect().search_runs([experiment])]
    assert names.count("scratch-100%") == 2


def test_a_cell_that_is_cut_off_while_it_is_logged_does_not_stay_running(
    experiment, described, runs_of, monkeypatch
):
    with monkeypatch.context() as full:
        full.setattr(study_run.cell_runs, "log_files", _no_space)
        with (
            pytest.raises(HeadstartError, match="No space"),
            study_run.tracked(experiment, described()) as study,
        ):
            study.ended(cell(cached=True), 1000.0, 1001.0)
    assert {run.info.status for run in runs_of().values()} == {"FAILED"}


def _no_space(*_):
    raise OSError(28, "No space left on device")


def test_cells_that_a_resumed_study_does_not_have_are_deleted(experiment, described, runs_of):
    kill(experiment, described())
    smaller = replace(described(), cells=frozenset({study_run.cell_id("scratch", HALF)}))
    with study_run.tracked(experiment, smaller) as study:
        study.ended(cell(subset=HALF), 1000.0, 1001.0)
    assert "scratch-100%" not in runs_of()


def test_a_parent_that_was_killed_before_it_was_described_is_closed(experiment, described, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr(study_run.StudyRun, "describe", _die)
        with pytest.raises(Killed):
            study_run._open(experiment, described())
    with study_run.tracked(experiment, described()):
        pass
    states = sorted(run.info.status for run in client.connect().search_runs([experiment]))
    assert states == ["FINISHED", "KILLED"]


def _die(*_):
    raise Killed
