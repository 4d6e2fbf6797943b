"""One `dvc repro`, after an import if asked. Its output goes to a log, which tells what came of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline import project
from headstart.pipeline.config import file as config
from headstart.pipeline.data import swapping
from headstart.pipeline.schedule.outcome import BLOCKED, BUSY, FAILED, LEFT, PROMOTED, RAN, UNCHANGED, Outcome

_HEADSTART = [sys.executable, "-m", "headstart.pipeline.cli.main"]
# What DVC and headstart print where another process works on the same stage, the repository, or the folder.
_OTHERS = (
    "is busy, it is being blocked by",
    "Unable to acquire lock. Most likely another DVC process",
    "Another run is under way in this folder",
)


def repro(log: Path, trigger: str, add: Path | None = None) -> Outcome:
    """Import new images if asked, then bring the pipeline up to date.

    What an import that was killed left behind is repaired first.

    Args:
        log: gets the output of both, after what it holds already.
        trigger: what MLflow's runs say about the reason of their existence.
        add: a folder whose new images join first; an empty one is skipped.
    """
    try:
        config.load()  # an invalid file stays invalid, however often it is tried
    except HeadstartError as error:
        return Outcome(FAILED, str(error), exit_code=1, may_pass=False)
    if add is not None and not add.is_dir():  # a network's disk may come back
        return Outcome(FAILED, f"{add} is not a folder: create it, or mount it", exit_code=1)
    try:
        with project.lock():  # DVC would empty a study's folder of reports, and only then find its lock
            pass
        with project.lock(project.IMPORT):
            swapping.clear_leftovers(Path())
    except HeadstartError as error:
        if _of_others(str(error)):
            return Outcome(BUSY, exit_code=LEFT)
        return Outcome(FAILED, str(error), exit_code=1)
    environment = {
        **os.environ,
        # Last, so that an environment that is active wins.
        "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)]),
        project.TRIGGER: trigger,
    }
    written, earlier = _decision()
    try:
        if add is not None and any(path.is_file() for path in add.rglob("*")):
            command = [*_HEADSTART, "data", "import", "--add", str(add.absolute())]
            code, told = _call(command, log, environment)
            if code:
                return _failure(code, told)
        code, told = _call(["dvc", "repro"], log, environment)
    except OSError as error:  # a full disk, perhaps
        return Outcome(FAILED, f"{error.strerror or error}", exit_code=1)
    stages = tuple(re.findall(r"^Running stage '(.+?)'", told, re.MULTILINE))
    if code:
        return replace(_failure(code, told), stages=stages)
    rewritten, decided = _decision()
    if rewritten == written:
        return Outcome(RAN if stages else UNCHANGED, stages=stages)
    result = PROMOTED if decided.get("alias") == "champion" else BLOCKED
    if result == PROMOTED and all(decided.get(key) == earlier.get(key) for key in ("alias", "version")):
        result = RAN  # the champion stays
    return Outcome(result, decided.get("reason", ""), decided.get("version", ""), stages)


def _call(command: list[str], log: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command in a process group of its own; its exit code, and what it printed.

    The command writes to the log itself: it goes on if this process is killed.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a+", encoding="utf-8", errors="replace") as output:
        print("$", *command, file=output, flush=True)
        start = output.tell()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            code = process.wait()
        except BaseException:  # Ctrl-C or SIGTERM: finished work is kept
            os.killpg(process.pid, signal.SIGINT)
            process.wait()
            raise
        output.seek(start)
        return code, output.read()


def _failure(code: int, told: str) -> Outcome:
    if _of_others(told):
        return Outcome(BUSY, exit_code=LEFT)
    # headstart's own sentence says more than DVC's about it.
    errors = re.findall(r"^error: (.+)", told, re.MULTILINE) or re.findall(
        r"^ERROR: (.+)", told, re.MULTILINE
    )
    code = code if code > 0 else 128 - code  # as a shell has it, where a signal ended the process
    return Outcome(FAILED, errors[-1] if errors else f"exit code {code}", exit_code=code)


def _of_others(told: str) -> bool:
    return any(other in told for other in _OTHERS)


def _decision() -> tuple[int, dict[str, str]]:
    """When the last decision about a candidate was written, and its parts; promote writes it anew.

    A damaged file counts as no decision.
    """
    try:
        content = json.loads(project.DECISION.read_text(encoding="utf-8"))
        return project.DECISION.stat().st_mtime_ns, {key: str(value) for key, value in dict(content).items()}
    except (FileNotFoundError, ValueError, TypeError):
        return 0, {}
