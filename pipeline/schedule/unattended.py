"""One run that nobody watches: it waits for others, tries again, calls the hooks, and prints one line."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from filelock import FileLock, Timeout
from rich.console import Console
from rich.markup import escape
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    stop_after_attempt,
    stop_never,
    wait_exponential,
)

from headstart.pipeline.config.schedule import Schedule
from headstart.pipeline.project import LOGS, WORK
from headstart.pipeline.schedule import hooks
from headstart.pipeline.schedule.cron import now
from headstart.pipeline.schedule.outcome import BLOCKED, BUSY, FAILED, LEFT, PROMOTED, Outcome
from headstart.pipeline.schedule.repro import repro

_LOCK = WORK / "schedule.run.lock"
_FOLDER = LOGS / "schedule"
_KEPT = 100  # logs
_LONGEST_WAIT = 30.0  # seconds between two looks whether another run has ended
_EVENTS = {FAILED: "failure", BLOCKED: "blocked", PROMOTED: "promoted"}


@dataclass(frozen=True)
class Job:
    """What runs, the same each time.

    Args:
        settings: the section `schedule`, with what the command line says in its place.
        dataset: its name.
        trigger: for MLflow.
        add: a folder whose new images join before each run.
        console: gets the lines.
    """

    settings: Schedule
    dataset: str
    trigger: str
    add: Path | None
    console: Console

    def run(self, following: Callable[[], str] = lambda: "") -> Outcome:
        """Run once, whatever it takes.

        Args:
            following: what to say about the next run, once this one has ended.
        """
        started = time.monotonic()
        with exclusive(_LOCK, "Another scheduled run", self.settings.busy, self.console) as mine:
            log = _FOLDER / f"{now():%Y-%m-%dT%H-%M-%S}.log"
            outcome = self._persist(log) if mine else Outcome(BUSY, exit_code=LEFT)
            self._tell(outcome, log, time.monotonic() - started, following())
            if event := _EVENTS.get(outcome.result):
                hook = getattr(self.settings, f"on_{event}")
                hooks.call(hook, self._facts(event, outcome, log), log, self.console)
            for old in sorted(_FOLDER.glob("*.log"))[:-_KEPT]:
                old.unlink(missing_ok=True)
        return outcome

    def _persist(self, log: Path) -> Outcome:
        """Wait while another run is under way; try again after a failure."""
        free = Retrying(
            retry=retry_if_result(lambda outcome: outcome.result == BUSY),
            stop=stop_never if self.settings.busy == "wait" else stop_after_attempt(1),
            wait=wait_exponential(max=_LONGEST_WAIT),
            before_sleep=self._say_that_it_waits,
            retry_error_callback=_last,
        )
        again = Retrying(
            retry=retry_if_result(lambda outcome: outcome.result == FAILED and outcome.may_pass),
            stop=stop_after_attempt(1 + self.settings.retries),
            wait=wait_exponential(multiplier=60 * self.settings.backoff_minutes),
            before_sleep=self._say_that_it_tries_again,
            retry_error_callback=_last,
        )
        return again(lambda: free(self._try, log))

    def _try(self, log: Path) -> Outcome:
        """Run once; an error that nobody foresaw is a failure, and the next run comes."""
        try:
            return repro(log, self.trigger, self.add)
        except Exception as error:
            logging.getLogger(__name__).exception("a run ended with an error that should not happen")
            return Outcome(FAILED, f"{type(error).__name__}: {error}", exit_code=1)

    def _say_that_it_waits(self, state: RetryCallState) -> None:
        if state.attempt_number == 1:
            self._print("Another run is under way in this project. This one waits for it.")

    def _say_that_it_tries_again(self, state: RetryCallState) -> None:
        assert state.next_action is not None
        at = now() + timedelta(seconds=state.next_action.sleep)
        self._print(
            f"try {state.attempt_number} of {1 + self.settings.retries} {_last(state)}; "
            f"next try at {at:%H:%M:%S}"
        )

    def _tell(self, outcome: Outcome, log: Path, seconds: float, following: str) -> None:
        parts = [str(outcome)]
        if outcome.stages:
            parts.append(f"ran {', '.join(outcome.stages)}")
        parts.append(f"{seconds:.0f} s")
        if log.is_file():
            parts.append(f"log {log}")
        self._print("; ".join([*parts, following] if following else parts))

    def _print(self, line: str) -> None:
        self.console.print(f"{now():%Y-%m-%d %H:%M:%S}  {escape(line)}", soft_wrap=True)

    def _facts(self, event: str, outcome: Outcome, log: Path) -> dict[str, str]:
        return {
            "event": event,
            "project": str(Path.cwd()),
            "dataset": self.dataset,
            "reason": outcome.reason,
            "version": outcome.version,
            "trigger": self.trigger,
            "log": str(log.absolute()),
        }


@contextmanager
def exclusive(file: Path, holder: str, busy: str, console: Console) -> Iterator[bool]:
    """Hold a lock; yield False where another process holds it and `busy` is `leave`.

    The lock ends with the process that holds it, even where that is killed.
    """
    file.parent.mkdir(exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if busy == "leave":
            console.print(f"{holder} is under way in this project. This one leaves.", soft_wrap=True)
            yield False
            return
        console.print(f"{holder} is under way in this project. This one waits for it.", soft_wrap=True)
        lock.acquire(poll_interval=1.0)
    try:
        yield True
    finally:
        lock.release()


def _last(state: RetryCallState) -> Outcome:
    assert state.outcome is not None
    outcome: Outcome = state.outcome.result()
    return outcome
