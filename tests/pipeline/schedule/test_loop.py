"""When the foreground loop runs: at its times, once for all that it missed, or not."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from rich.console import Console

from headstart.pipeline.config import file as config
from headstart.pipeline.schedule import loop
from headstart.pipeline.schedule.cron import Cron
from tests.pipeline.schedule.conftest import TEMPLATE, read_until, wait_until

START = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
HOURLY = Cron("0 * * * *")


class _OverError(Exception):
    """The test has seen enough."""


class _Clock:
    """A clock that sleeping moves."""

    def __init__(self):
        self.time = START

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)


class _Job:
    """Notes when it runs; each run takes as long as it was told, and after the last the test is over."""

    def __init__(self, clock, missed, *minutes):
        self.settings = config.load(TEMPLATE).schedule.model_copy(update={"missed": missed})
        self.console = Console(record=True, width=200)
        self.clock, self.minutes = clock, list(minutes)
        self.started, self.following = [], []

    def run(self, following):
        self.started.append(f"{self.clock.time:%H:%M}")
        self.clock.sleep(60 * self.minutes.pop(0))
        self.following.append(following())
        if not self.minutes:
            raise _OverError


@pytest.fixture
def clock(tmp_path, monkeypatch):
    made = _Clock()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loop, "now", made.now)
    monkeypatch.setattr(loop.time, "sleep", made.sleep)
    return made


def _run(job, at_start=False):
    with pytest.raises(_OverError):
        loop.forever(HOURLY, job, at_start)
    return job.started


def test_it_runs_at_its_times_and_says_when_the_next_one_is(clock):
    job = _Job(clock, "run", 5, 5)
    assert _run(job) == ["13:00", "14:00"]
    assert job.following == ["next run at 2026-11-25 14:00", "next run at 2026-11-25 15:00"]


def test_it_runs_at_the_start_where_asked(clock):
    assert _run(_Job(clock, "run", 5, 5), at_start=True) == ["12:00", "13:00"]


def test_a_long_run_is_followed_by_one_that_makes_up_for_all_it_kept_from_starting(clock):
    job = _Job(clock, "run", 150, 5, 5)
    assert _run(job) == ["13:00", "15:30", "16:00"]
    assert job.following[0] == "next run now, because one was due meanwhile"


def test_or_by_none_where_missed_runs_are_skipped(clock):
    job = _Job(clock, "skip", 150, 5)
    assert _run(job) == ["13:00", "16:00"]
    assert job.following[0] == "next run at 2026-11-25 16:00"
    assert (
        "The run of 2026-11-25 14:00 was missed and is skipped; next run at 2026-11-25 16:00."
        in job.console.export_text()
    )


def test_a_restart_makes_up_once_for_what_came_due_in_between(clock):
    _run(_Job(clock, "run", 5))
    clock.sleep(5 * 3600)  # 18:05
    job = _Job(clock, "run", 5, 5)
    assert _run(job) == ["18:05", "19:00"]
    # The run that the test ended was the one of 13:00.
    assert "The run of 2026-11-25 13:00 was missed and runs now." in job.console.export_text()


def test_another_expression_starts_afresh(clock):
    _run(_Job(clock, "run", 5))
    clock.sleep(5 * 3600)
    job = _Job(clock, "run", 5)
    with pytest.raises(_OverError):
        loop.forever(Cron("30 * * * *"), job, False)
    assert job.started == ["18:30"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", "{}", '{"cron": "0 * * * *", "done": "soon"}', '{"cron": "0 * * * *", "done": 7}'],
)
def test_a_damaged_state_is_none(clock, text):
    folder = Path(".headstart")
    folder.mkdir()
    (folder / "schedule.json").write_text(text)
    assert _run(_Job(clock, "run", 5, 5)) == ["13:00", "14:00"]


@pytest.mark.parametrize(("missed", "told", "calls"), [("run", "runs now", 1), ("skip", "is skipped", 0)])
def test_a_real_scheduler_catches_up_or_skips(project, missed, told, calls):
    project.dvc("echo 'Data and pipelines are up to date.'")
    project.write_state("0 3 1 1 *", "2020-06-01T00:00:00+00:00")
    process = project.start("--cron", "0 3 1 1 *", "--missed", missed)
    read_until(process, f"The run of 2021-01-01 03:00 was missed and {told}")
    if calls:
        read_until(process, "nothing changed")
    else:  # it has gone on to wait for the next time
        wait_until(lambda: "2020" not in (project.folder / ".headstart/schedule.json").read_text())
    process.terminate()
    assert process.wait(timeout=30) == 130
    assert len(project.calls) == calls
