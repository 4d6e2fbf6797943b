"""`headstart data import`: the user's folder of images becomes `data/`, tracked by DVC."""

from __future__ import annotations

import csv
import errno
import io
import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config import file as config
from headstart.pipeline.data import fact_cache
from headstart.pipeline.data.image_facts import Facts, UnusableError
from headstart.pipeline.data.inspection import inspect_all
from headstart.pipeline.data.layout import METADATA, Found, Layout, scan
from headstart.pipeline.data.metadata import as_path, load
from headstart.pipeline.data.params_update import adopt
from headstart.pipeline.data.summary import tell

DATA = "data"
# The way back to the images that an import replaced; not named *.dvc, or DVC would look for its images.
KEPT = Path(".headstart/data.dvc.before-import")


def import_folder(
    source: Path,
    project: Path = Path("."),
    name: str | None = None,
    console: Console | None = None,
) -> None:
    """Copy a folder of labelled images into the project's `data/`, `dvc add` it, and say what was taken.

    The copy grows beside `data/` and takes its place at the very end, by a rename; until then, and on any
    error or Ctrl-C, the old `data/` stays as it is. An old `data/` is put into the DVC cache first.

    Args:
        source: a folder with one sub-folder a class, or train, validation and test above them.
        project: the folder with params.yaml and .dvc.
        name: the dataset's name; the source folder's by default.
        console: where to tell; standard output by default.

    Raises:
        HeadstartError: the source cannot be used, the disk is too full, or DVC fails.
    """
    console = console or Console()
    config.load(project / config.PARAMS)
    dataset = _dataset_name(source, name)
    if not (project / ".dvc").is_dir():
        raise HeadstartError(f"{project.resolve()} is no DVC project: run this in the project's folder.")
    _refuse_overlap(source, project / DATA)
    layout = scan(source)
    load(source / METADATA, {found.path for found in layout.files})
    _clear_leftovers(project)
    _refuse_full_disk(source, layout, project)
    fresh = project / f"{DATA}.importing-{os.getpid()}"
    try:
        with _disk_errors(project):
            facts, left_out = _copy(layout, fresh, fact_cache.read(project), console)
            _copy_metadata(source, fresh, left_out)
        _refuse_lost_class(layout, facts)
        kept = _swap(fresh, project)
        fact_cache.write(project, {one.sha256: one for one in facts.values()})
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    tell(console, layout, facts, [*layout.left_out, *left_out])
    if kept:
        console.print(
            f"The images that were in {DATA}/ before are in the DVC cache: "
            f"`cp {KEPT} {DATA}.dvc && dvc checkout --force {DATA}.dvc` brings them back.",
            soft_wrap=True,
        )
    adopt(project / config.PARAMS, dataset, console)


def _dataset_name(source: Path, name: str | None) -> str:
    """The name that params.yaml takes: ASCII letters, digits and ` ._-`, a letter or digit first."""
    text = unicodedata.normalize("NFKD", name or source.resolve().name).encode("ascii", "ignore").decode()
    cleaned = re.sub(r"[^A-Za-z0-9 ._-]+", "-", text).lstrip(" ._-").rstrip(" -")
    if name and not cleaned:
        raise HeadstartError(f"The dataset name '{name}' has no ASCII letters or digits: choose another.")
    return cleaned or "photos"


def _refuse_overlap(source: Path, data: Path) -> None:
    inner, outer = source.resolve(), data.resolve()
    if inner == outer or outer in inner.parents:
        raise HeadstartError(
            f"{source} lies in {data}, which an import replaces: import a folder from elsewhere."
        )
    if inner in outer.parents:
        raise HeadstartError(
            f"{source} holds {data}, which an import replaces: import the folder of classes itself."
        )


def _refuse_full_disk(source: Path, layout: Layout, project: Path) -> None:
    needed = 0
    for found in layout.files:
        with suppress(OSError):
            needed += (source / found.path).stat().st_size
    # DVC keeps a second copy in its cache; where the file system shares blocks, this asks for too much.
    needed *= 2
    free = shutil.disk_usage(project).free
    if needed > free:
        raise HeadstartError(
            f"Importing {source} needs {_gigabytes(needed)} (the images and DVC's copies), and the disk "
            f"of {project.resolve()} has {_gigabytes(free)} free: make room or move the project."
        )


@contextmanager
def _disk_errors(project: Path) -> Iterator[None]:
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


def _copy(
    layout: Layout, fresh: Path, seen: dict[str, Facts], console: Console
) -> tuple[dict[Found, Facts], list[tuple[str, str]]]:
    """Copy every usable image; what is not usable comes back with the reason."""

    def keep(found: Found, encoded: bytes) -> None:
        target = fresh / found.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(encoded)

    facts, left_out = {}, []
    fresh.mkdir()
    # Closed before anyone removes `fresh`: no thread may write into it any more.
    looked_at = inspect_all(layout.folder, layout.files, console, keep, "Copying the images", seen)
    with closing(looked_at) as outcomes:
        for found, outcome in outcomes:
            if isinstance(outcome, UnusableError):
                left_out.append((found.path, str(outcome)))
            else:
                facts[found] = outcome
    return facts, left_out


def _copy_metadata(source: Path, fresh: Path, left_out: list[tuple[str, str]]) -> None:
    """Copy metadata.csv without the rows of images that were left out; they would be unknown paths."""
    if not (source / METADATA).exists():
        return
    gone = {path for path, _ in left_out}
    text = (source / METADATA).read_bytes().decode("utf-8-sig")
    rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row and as_path(row[0]) not in gone]
    with (fresh / METADATA).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _refuse_lost_class(layout: Layout, facts: dict[Found, Facts]) -> None:
    empty = sorted(set(layout.labels) - {found.label for found in facts})
    if empty:
        raise HeadstartError(
            f"The class '{empty[0]}' in {layout.folder} has no usable image: add images or remove its folder."
        )


def _swap(fresh: Path, project: Path) -> bool:
    """Put `fresh` in the place of `data/` and tell DVC; everything is put back where that fails.

    Returns:
        Whether there was an old `data/`, which KEPT now leads back to.
    """
    data, tracker = project / DATA, project / f"{DATA}.dvc"
    before = project / f"{DATA}.before-import-{os.getpid()}"
    old = data.exists() and any(data.iterdir())
    if old:
        # Whatever data.dvc says, the images that are really there go into the cache.
        _dvc(project, "add", DATA)
        (project / KEPT).parent.mkdir(exist_ok=True)
        shutil.copyfile(tracker, project / KEPT)
    tracked = tracker.read_bytes() if tracker.exists() else None
    if os.path.lexists(data):
        data.rename(before)
    try:
        fresh.rename(data)
        _dvc(project, "add", DATA)
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


def _clear_leftovers(project: Path) -> None:
    """Clean up after a killed import: its half copy goes, an old `data/` with no successor returns."""
    for folder in sorted(project.glob(f"{DATA}.*import*-*")):
        number = folder.name.rpartition("-")[2]
        if not number.isdigit():
            continue
        if int(number) != os.getpid() and _alive(int(number)):
            raise HeadstartError(
                f"{folder} belongs to process {number}, which runs: wait for that import to end, then retry."
            )
        if ".before-import-" in folder.name and not os.path.lexists(project / DATA):
            folder.rename(project / DATA)
        else:
            _remove(folder)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _dvc(project: Path, *arguments: str) -> None:
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
