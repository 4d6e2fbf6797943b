"""Makes a user's project: a few files, Git, DVC."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli import stages

TEMPLATE = Path(__file__).with_name("template")
_NAMES = {"gitignore": ".gitignore", "dvcignore": ".dvcignore"}  # so that no tool obeys them in our own tree


def create(folder: Path) -> None:
    """Make the project's files, `git init` unless a repository is there already, and `dvc init`.

    Raises:
        HeadstartError: the folder holds files, cannot be written, or Git or DVC fails.
    """
    if shutil.which("git") is None:
        raise HeadstartError("Git is not installed: install it, DVC needs it.")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise HeadstartError(f"{folder} is not an empty folder: name a new one.")
        folder.mkdir(parents=True, exist_ok=True)
        for file in TEMPLATE.iterdir():
            shutil.copyfile(file, folder / _NAMES.get(file.name, file.name))
        stages.write(folder)
    except OSError as error:
        raise HeadstartError(f"{folder} cannot be written ({error.strerror}): name another folder.") from None
    inside = ["git", "rev-parse", "--is-inside-work-tree"]
    if subprocess.run(inside, cwd=folder, capture_output=True, check=False).returncode:
        _run(folder, "git", "init", "--quiet")
        _run(folder, sys.executable, "-m", "dvc", "init", "--quiet")
    else:  # a project inside another repository is a sub-project of DVC's
        _run(folder, sys.executable, "-m", "dvc", "init", "--quiet", "--subdir")


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HeadstartError(
            f"`{' '.join(command)}` failed in {folder}: {done.stderr.strip()}: remove it, try again."
        )
