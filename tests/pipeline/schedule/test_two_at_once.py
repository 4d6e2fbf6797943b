"""Two schedulers, or a schedule and a person, in one project: one runs, the other waits or leaves."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from tests.pipeline.schedule.conftest import read_until, wait_until

SLOW = """
echo start >> spans; sleep 2; echo end >> spans
echo "Data and pipelines are up to date."
"""
# A study, as far as its lock is concerned.
STUDY = (
    "exec 9> .headstart/lock; flock 9; touch running; while [ ! -e stop ]; do sleep 0.1; done; touch ended"
)


def test_two_runs_at_once_follow_one_another(project):
    project.dvc(SLOW)
    first = project.start("--once")
    wait_until(lambda: (project.folder / "spans").exists())
    code, told = project.run("--once", "--busy", "wait")
    assert code == 0
    assert "Another scheduled run is under way in this project. This one waits for it." in told
    assert first.wait() == 0
    assert (project.folder / "spans").read_text().split() == ["start", "end"] * 2


def test_the_second_leaves_with_an_exit_code_of_its_own_where_asked(project):
    project.dvc(SLOW)
    first = project.start("--once")
    wait_until(lambda: (project.folder / "spans").exists())
    code, told = project.run("--once", "--busy", "leave")
    assert code == 75
    assert "another run is under way" in told
    assert first.wait() == 0
    assert (project.folder / "spans").read_text().split() == ["start", "end"]


def test_a_study_of_a_person_is_left_alone(project):
    project.dvc("exit 1")
    with FileLock(project.folder / ".headstart/lock"):
        code, told = project.run("--once", "--busy", "leave")
    assert code == 75
    assert "another run is under way" in told
    assert project.calls == []


def test_a_schedule_waits_for_a_persons_dvc_and_then_finds_nothing_changed(project):
    """With DVC itself, whose words tell that another one is at work."""
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=project.folder, check=True)
    stage = "touch started; while [ ! -e go ]; do sleep 0.1; done; echo x > out"
    (project.folder / "dvc.yaml").write_text(f"stages:\n  a:\n    cmd: {stage}\n    outs: [out]\n")
    person = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"], cwd=project.folder, stdout=subprocess.DEVNULL
    )
    wait_until(lambda: (project.folder / "started").exists())
    code, told = project.run("--once", "--busy", "leave")
    assert code == 75 and "another run is under way" in told
    waiting = project.start("--once", "--busy", "wait")
    lines = read_until(waiting, "Another run is under way in this project. This one waits for it.")
    (project.folder / "go").touch()
    lines += read_until(waiting, "nothing changed")
    assert len(lines) == 2
    assert waiting.wait() == 0 and person.wait() == 0


def test_a_second_loop_waits_for_the_first_or_leaves(project):
    project.dvc("echo 'Data and pipelines are up to date.'")
    first = project.start("--cron", "0 3 1 1 *")
    read_until(first, "Next run at")
    code, told = project.run("--cron", "0 3 1 1 *", "--busy", "leave")
    assert code == 75
    assert "Another `headstart schedule` is under way in this project. This one leaves." in told
    second = project.start("--cron", "0 3 1 1 *", "--busy", "wait")
    read_until(second, "This one waits for it.")
    first.kill()
    read_until(second, "Next run at")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_scheduler_that_is_stopped_stops_its_run(project, sent):
    project.dvc("trap 'touch stopped; exit 130' INT; touch started; while true; do sleep 0.1; done")
    running = project.start("--cron", "0 3 1 1 *", "--now")
    wait_until(lambda: (project.folder / "started").exists())
    running.send_signal(sent)
    assert running.wait(timeout=30) == 130
    assert (project.folder / "stopped").exists()


def test_after_a_kill_in_mid_run_the_next_scheduler_waits_for_the_orphan_and_makes_up_for_the_run(project):
    project.dvc(f'if [ $call -eq 1 ]; then {STUDY}; fi; echo "Data and pipelines are up to date."')
    project.write_state("0 3 1 1 *", "2020-06-01T00:00:00+00:00")
    killed = project.start("--cron", "0 3 1 1 *")
    wait_until(lambda: (project.folder / "running").exists())
    killed.kill()
    killed.wait()
    following = project.start("--cron", "0 3 1 1 *")
    lines = read_until(following, "This one waits for it.")
    assert "The run of 2021-01-01 03:00 was missed and runs now." in lines[0]
    assert not (project.folder / "ended").exists()
    (project.folder / "stop").touch()
    read_until(following, "nothing changed")
    assert (project.folder / "ended").exists()
    assert len(project.calls) == 2


def test_a_run_leaves_no_lock_behind(project):
    project.dvc("echo 'Data and pipelines are up to date.'")
    project.run("--once")
    for lock in Path(project.folder / ".headstart").glob("*lock"):
        with FileLock(lock, timeout=0):
            pass
