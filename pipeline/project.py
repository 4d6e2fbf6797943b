"""The user's project folder: where everything lies, which version it is, and its lock."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.files import replacing

PARAMS = Path("params.yaml")
DATA = Path("data")
MANIFEST = Path("manifest.csv")
SCHEMA = Path("schema.pbtxt")  # of the accepted images, in git
WORK = Path(".headstart")  # MLMD, TFX's artifacts, logs; kept between runs, so that the cache holds
METADATA = WORK / "metadata.db"  # MLMD
LOGS = WORK / "logs"  # one file for each command, and the traceback of each failed cell
DECISION = WORK / "promotion.json"  # what was decided of the last candidate that was promoted here
SERVING = Path("serving")
TUNING = Path("tuning")  # page, charts and figures of the last search; no DVC output: a clone need not search
RUNS = Path("mlruns")
LETTERS = Path("bases/letters.weights.h5")
TRIGGER = "HEADSTART_TRIGGER"  # environment variable; a schedule names itself there


PROMOTION = "promotion.lock"  # held while the champion may change, not while a study trains
IMPORT = "import.lock"  # held while images come in


@dataclass(frozen=True)
class StudyFolders:
    """The folders that a study fills."""

    top: Path

    @property
    def reports(self) -> Path:
        """The page, the charts, the tables, the figures."""
        return self.top / "reports"

    @property
    def candidate(self) -> Path:
        """The best model, with what the stage `promote` needs to know of it."""
        return self.top / "candidate"

    @property
    def pushed(self) -> Path:
        """Where Pusher puts a blessed model; empty where the candidate is not blessed."""
        return self.top / "pushed"


STUDY = StudyFolders(Path())  # outputs of the DVC stage `study`
FULL_STUDY = StudyFolders(Path("full"))  # of `headstart study --full`, which is no DVC stage


@contextmanager
def lock(name: str = "lock", folder: Path = Path()) -> Iterator[None]:
    """Keep other runs out of this folder: two would race for one metadata store.

    Args:
        name: what one process alone may do; a study by default.
        folder: the project's.

    Raises:
        HeadstartError: another run holds the lock.
    """
    from filelock import FileLock, Timeout

    (folder / WORK).mkdir(exist_ok=True)
    try:
        with FileLock(folder / WORK / name, timeout=0):
            yield
    except Timeout:
        raise HeadstartError(
            f"Another run is under way in this folder (it holds {WORK / name}): wait for it, or stop it."
        ) from None


def work_id() -> str:
    """The name of this work folder, made once; MLflow's runs carry it, so that a study finds its own.

    A copy of the folder has another name, by the number of its file: one that was moved keeps it.
    """
    file = WORK / "id"
    if not file.is_file():
        with replacing(file) as fresh:
            fresh.write_text(uuid.uuid4().hex + "\n", encoding="utf-8")
    return f"{file.read_text(encoding='utf-8').strip()}-{file.stat().st_ino}"


def trigger(command: str) -> str:
    """What started a run, for MLflow: what the scheduler says in HEADSTART_TRIGGER, else the command."""
    return os.environ.get(TRIGGER) or command


def git_commit() -> str:
    """The git commit of the project, with `-dirty` where it has changes; empty outside git."""
    git = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def not_in_git(*files: Path) -> list[Path]:
    """Those of some files in this folder that git does not track; none outside git."""
    if not shutil.which("git"):
        return []
    git = ["git", "ls-files", "--", *map(str, files)]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    tracked = done.stdout.splitlines()
    return [] if done.returncode else [file for file in files if str(file) not in tracked]


def data_version() -> str:
    """DVC's digest of the data folder, as data.dvc has it; empty where DVC does not track the data."""
    import yaml

    tracked = Path("data.dvc")
    if not tracked.is_file():
        return ""
    (out,) = yaml.safe_load(tracked.read_text(encoding="utf-8"))["outs"]
    return str(out["md5"])
