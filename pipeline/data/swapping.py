"""A new `data/` takes the place of the old one in one step; DVC tracks it; an error leaves the old one."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline import project as places

DATA = "data"
# The way back to the images that an import replaced; not named *.dvc, or DVC would look for its images.
KEPT = Path(".headstart/data.dvc.before-import")


def way_back() -> str:
    """How the images that an import replaced come back."""
    return (
        f"The images that were in {DATA}/ before are in the DVC cache: "
        f"`cp {KEPT} {DATA}.dvc && dvc checkout --force {DATA}.dvc` brings them back."
    )


@contextmanager
def fresh_folder(project: Path) -> Iterator[Path]:
    """A name for the next `data/`; what lies there is removed in the end, whatever happens."""
    fresh = project / f"{DATA}.importing-{os.getpid()}"
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def refuse_no_project(project: Path) -> None:
    """Refuse a folder that is no DVC project."""
    if not (project / ".dvc").is_dir():
        raise HeadstartError(f"{project.resolve()} is no DVC project: run this in the project's folder.")


def refuse_overlap(source: Path, data: Path) -> None:
    """Refuse to import from `data/` or from a folder that it is in."""
    inner, outer = source.resolve(), data.resolve()
    if inner == outer or outer in inner.parents:
        raise HeadstartError(f"{source} lies in {data}, which an import replaces: name a folder elsewhere.")
    if inner in outer.parents:
        raise HeadstartError(
            f"{source} holds {data}, which an import replaces: import the folder of classes itself."
        )


def refuse_full_disk(source: Path, paths: Iterable[str], project: Path) -> None:
    """Refuse to copy files for which the project's disk has no room.

    Args:
        source: the folder that they are in.
        paths: of the files, relative to it.
        project: where they go.

    Raises:
        HeadstartError: there is no room.
    """
    needed = 0
    for path in paths:
        with suppress(OSError):
            needed += (source / path).stat().st_size
    # DVC keeps a second copy in its cache; where the file system shares blocks, this asks for too much.
    needed *= 2
    free = shutil.disk_usage(project).free
    if needed > free:
        raise HeadstartError(
            f"Importing {source} needs {_gigabytes(needed)} (the images and DVC's copies), and the disk "
            f"of {project.resolve()} has {_gigabytes(free)} free: make room or move the project."
        )


@contextmanager
def disk_errors(project: Path) -> Iterator[None]:
    """Turn errors of the disk while images are copied into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            what = "the disk is full" if error.errno == errno.ENOSPC else "the disk quota is used up"
        else:
            what = f"{error.strerror or error}"
        raise HeadstartError(
            f"The import stopped while copying to {project.resolve()} ({what}), and nothing was "
            "changed: make room or fix that, and import again."
        ) from None


def swap(fresh: Path, project: Path) -> bool:
    """Put `fresh` in the place of `data/` and tell DVC; everything is put back where that fails.

    Returns:
        Whether there was an old `data/`, which KEPT now leads back to.
    """
    data, tracker = project / DATA, project / f"{DATA}.dvc"
    before = project / f"{DATA}.before-import-{os.getpid()}"
    old = data.exists() and any(data.iterdir())
    if old:
        # Whatever data.dvc says, the images that are really there go into the cache.
        run_dvc(project, "add", DATA)
        (project / KEPT).parent.mkdir(exist_ok=True)
        shutil.copyfile(tracker, project / KEPT)
    tracked = tracker.read_bytes() if tracker.exists() else None
    if os.path.lexists(data):
        data.rename(before)
    try:
        fresh.rename(data)
        run_dvc(project, "add", DATA)
    except BaseException:
        _remove(data)
        if os.path.lexists(before):
            before.rename(data)
        tracker.unlink(missing_ok=True)
        if tracked is not None:
            tracker.write_bytes(tracked)
        raise
    _remove(before)
    return old


def clear_leftovers(project: Path) -> bool:
    """Clean up after a killed import: its half copy goes, an old `data/` with no successor returns.

    Call it while the lock `project.IMPORT` is held: then no folder can be a running import's.

    Returns:
        Whether `data/` has returned.
    """
    returned = False
    for folder in _leftovers(project):
        if ".before-import-" in folder.name and not os.path.lexists(project / DATA):
            folder.rename(project / DATA)
            returned = True
        else:
            _remove(folder)
    return returned


def repair(project: Path = Path()) -> bool:
    """Clean up after a killed import, unless another import is under way.

    Returns:
        Whether `data/` has returned.
    """
    if not _leftovers(project):
        return False
    with suppress(HeadstartError), places.lock(places.IMPORT, project):  # an import that runs does it itself
        return clear_leftovers(project)
    return False


def _leftovers(project: Path) -> list[Path]:
    found = project.glob(f"{DATA}.*import*-*")
    return sorted(folder for folder in found if folder.name.rpartition("-")[2].isdigit())


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def run_dvc(project: Path, *arguments: str) -> None:
    """Run DVC and keep what it says to ourselves, unless it fails.

    Raises:
        HeadstartError: it fails, with the last line of what it said.
    """
    command = [sys.executable, "-m", "dvc", *arguments]
    environment = {**os.environ, "DVC_NO_ANALYTICS": "true"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        what = next((line for line in said if line.startswith("ERROR")), said[-1]).removeprefix("ERROR: ")
        raise HeadstartError(
            f"`dvc {' '.join(arguments)}` failed in {project.resolve()} ({what}): fix that and try again."
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB"
