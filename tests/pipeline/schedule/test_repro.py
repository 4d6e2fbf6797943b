"""One run, in this process: what happens before `dvc repro`."""

import sys

import pytest

from headstart.pipeline import project as places
from headstart.pipeline.schedule import repro as module
from headstart.pipeline.schedule.outcome import BUSY, FAILED, UNCHANGED

IMPORT = "import sys, pathlib; pathlib.Path('imported').write_text(' '.join(sys.argv[1:]))"
NOBODY = 99_999_999  # no process has this number


@pytest.fixture
def here(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("PATH", project.environment["PATH"])
    monkeypatch.setattr(module, "_HEADSTART", [sys.executable, "-c", IMPORT])
    project.dvc("echo 'Data and pipelines are up to date.'")
    return project


def _repro(here, add=None):
    return module.repro(here.folder / "run.log", "schedule: now", add)


def test_new_images_are_imported_first(here):
    (here.folder / "new/cat").mkdir(parents=True)
    (here.folder / "new/cat/1.jpg").touch()
    assert _repro(here, here.folder / "new").result == UNCHANGED
    assert (here.folder / "imported").read_text() == f"data import --add {here.folder / 'new'}"


def test_a_folder_without_files_is_not_imported(here):
    (here.folder / "new/cat").mkdir(parents=True)
    assert _repro(here, here.folder / "new").result == UNCHANGED
    assert not (here.folder / "imported").exists()


def test_images_that_a_killed_import_moved_away_are_back_before_the_run(here):
    (here.folder / "data.before-import-7/cat").mkdir(parents=True)
    here.dvc("[ -d data/cat ] && echo 'Data and pipelines are up to date.'")
    assert _repro(here).result == UNCHANGED


def test_a_missing_folder_is_a_failure_that_may_pass(here):
    outcome = _repro(here, here.folder / "new")
    assert (outcome.result, outcome.may_pass) == (FAILED, True)
    assert "is not a folder" in outcome.reason
    assert here.calls == []


def test_an_import_that_fails_is_the_runs_failure(here, monkeypatch):
    (here.folder / "new").mkdir()
    (here.folder / "new/1.jpg").touch()
    code = "import sys; print('error: 1.jpg is in no class.', file=sys.stderr); sys.exit(1)"
    monkeypatch.setattr(module, "_HEADSTART", [sys.executable, "-c", code])
    outcome = _repro(here, here.folder / "new")
    assert (outcome.result, outcome.reason, outcome.exit_code) == (FAILED, "1.jpg is in no class.", 1)
    assert here.calls == []


def test_the_images_that_a_killed_import_had_moved_away_are_back_before_the_run(here):
    (here.folder / f"data.before-import-{NOBODY}/cat").mkdir(parents=True)
    (here.folder / f"data.before-import-{NOBODY}/cat/1.jpg").touch()
    (here.folder / f"data.importing-{NOBODY}/cat").mkdir(parents=True)
    here.dvc("ls data/cat/1.jpg && echo 'Data and pipelines are up to date.'")
    assert _repro(here).result == UNCHANGED
    assert [path.name for path in here.folder.glob("data*")] == ["data"]


def test_an_import_that_runs_is_left_alone(here):
    (here.folder / f"data.importing-{NOBODY}/cat").mkdir(parents=True)
    with places.lock("import.lock"):
        outcome = _repro(here)
    assert (outcome.result, outcome.exit_code) == (BUSY, 75)
    assert (here.folder / f"data.importing-{NOBODY}/cat").is_dir()
    assert here.calls == []


def test_invalid_parameters_are_a_failure_that_does_not_pass(here):
    (here.folder / "params.yaml").write_text("dataset: [")
    outcome = _repro(here)
    assert (outcome.result, outcome.may_pass) == (FAILED, False)
    assert "is not valid YAML" in outcome.reason
    assert here.calls == []


def test_a_log_that_cannot_be_written_is_a_failure_that_may_pass(here):
    (here.folder / "run.log").mkdir()
    outcome = _repro(here)
    assert (outcome.result, outcome.may_pass) == (FAILED, True)


def test_a_run_of_a_schedule_names_it_as_the_trigger(monkeypatch):
    monkeypatch.delenv("HEADSTART_TRIGGER", raising=False)
    assert places.trigger("dvc repro") == "dvc repro"
    monkeypatch.setenv("HEADSTART_TRIGGER", "schedule: 0 3 * * 1")
    assert places.trigger("dvc repro") == "schedule: 0 3 * * 1"
