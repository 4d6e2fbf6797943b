"""The foreground: wait for the next time of the expression, run, and again. A restart forgets no time."""

from __future__ import annotations

import json
import time
from datetime import datetime
from functools import partial

from headstart.components.shared.files import replacing
from headstart.pipeline.project import WORK
from headstart.pipeline.schedule.cron import LATE, Cron, now
from headstart.pipeline.schedule.unattended import Job, exclusive

_LOCK = WORK / "schedule.lock"
_STATE = WORK / "schedule.json"  # until when the times of which expression are dealt with
_NAP = 30.0  # seconds; after the machine slept, the clock is looked at again


def forever(cron: Cron, job: Job, at_start: bool) -> bool:
    """Run at the times of the expression until the process ends. One loop a project.

    A run counts as missed where it could not start within a minute of its time: the loop was not running,
    the machine slept, or an earlier run took that long. Several missed ones are one.

    Args:
        cron: when.
        job: what.
        at_start: run once before the first time comes.

    Returns:
        False, where another loop runs in this project and this one left.
    """
    with exclusive(_LOCK, "Another `headstart schedule`", job.settings.busy, job.console) as mine:
        if mine:
            _run_at_its_times(cron, job, at_start)
        return mine


def _run_at_its_times(cron: Cron, job: Job, at_start: bool) -> None:
    skips = job.settings.missed == "skip"
    done = _read(cron) or now()
    if not at_start and cron.after(done) > now():
        job.console.print(
            f"Next run at {_at(cron.after(done))} (`{cron.expression}`). Ctrl-C stops the schedule.",
            soft_wrap=True,
        )
    while True:
        _write(cron, done)
        due = cron.after(done)
        if not at_start:
            _sleep_until(due)
        started = now()
        late = not at_start and started - due > LATE
        if late:
            what = f"is skipped; next run at {_at(cron.after(started))}" if skips else "runs now"
            job.console.print(f"The run of {_at(due)} was missed and {what}.", soft_wrap=True)
        if not (late and skips):
            job.run(partial(_following, cron, started, skips))
        done, at_start = started, False


def _following(cron: Cron, started: datetime, skips: bool) -> str:
    """What comes after a run that has just ended."""
    due = cron.after(started)
    if due > now():
        return f"next run at {_at(due)}"
    return f"next run at {_at(cron.after(now()))}" if skips else "next run now, because one was due meanwhile"


def _sleep_until(due: datetime) -> None:
    while (left := (due - now()).total_seconds()) > 0:
        time.sleep(min(left, _NAP))


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _read(cron: Cron) -> datetime | None:
    """Until when the times of this expression are dealt with; None where it is new, or the file damaged."""
    try:
        state = json.loads(_STATE.read_text(encoding="utf-8"))
        done = datetime.fromisoformat(state["done"])
        return done if state["cron"] == cron.expression else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _write(cron: Cron, done: datetime) -> None:
    with replacing(_STATE) as fresh:
        fresh.write_text(
            json.dumps({"cron": cron.expression, "done": done.isoformat()}) + "\n", encoding="utf-8"
        )
