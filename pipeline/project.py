"""The user's project folder: where everything lies, which version it is, and its lock."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headstart.components.shared.errors import HeadstartError

PARAMS = Path("params.yaml")
DATA = Path("data")
MANIFEST = Path("manifest.csv")
WORK = Path(".headstart")  # MLMD, TFX's artifacts, logs; kept between runs, so that the cache holds
LOGS = WORK / "logs"  # one file for each command, and the traceback of each failed cell
CANDIDATE = WORK / "candidate.json"  # what the study hands to promotion
REPORTS = Path("reports")
RECEIPTS = Path("receipts")  # DVC outs: what was run, never when or how well; see docs/architecture.md
SERVING = Path("serving")
RUNS = Path("mlruns")
LETTERS = Path("bases/letters.weights.h5")


@contextmanager
def lock() -> Iterator[None]:
    """Keep other runs out of this folder: two would race for one metadata store.

    Raises:
        HeadstartError: another run holds the lock.
    """
    from filelock import FileLock, Timeout

    WORK.mkdir(exist_ok=True)
    try:
        with FileLock(WORK / "lock", timeout=0):
            yield
    except Timeout:
        raise HeadstartError(
            f"Another run is under way in this folder (it holds {WORK / 'lock'}): wait for it, or stop it."
        ) from None


def git_commit() -> str:
    """The git commit of the project, with `-dirty` where it has changes; empty outside git."""
    git = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def data_version() -> str:
    """DVC's digest of the data folder, as data.dvc has it; empty where DVC does not track the data."""
    import yaml

    tracked = Path("data.dvc")
    if not tracked.is_file():
        return ""
    (out,) = yaml.safe_load(tracked.read_text(encoding="utf-8"))["outs"]
    return str(out["md5"])
