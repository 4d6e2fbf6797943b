"""`headstart data import`: the user's folder of images becomes `data/`, tracked by DVC."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from pathlib import Path

from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline import project as places
from headstart.pipeline.config import file as config
from headstart.pipeline.data import fact_cache
from headstart.pipeline.data.copying import copy
from headstart.pipeline.data.image_facts import Facts
from headstart.pipeline.data.layout import METADATA, Found, Layout, scan
from headstart.pipeline.data.metadata import as_path, load
from headstart.pipeline.data.params_update import adopt
from headstart.pipeline.data.summary import tell
from headstart.pipeline.data.swapping import (
    DATA,
    clear_leftovers,
    disk_errors,
    fresh_folder,
    refuse_full_disk,
    refuse_no_project,
    refuse_overlap,
    swap,
    way_back,
)


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
    refuse_no_project(project)
    refuse_overlap(source, project / DATA)
    layout = scan(source)
    load(source / METADATA, {found.path for found in layout.files})
    with places.lock(places.IMPORT, project):
        clear_leftovers(project)
        refuse_full_disk(source, (found.path for found in layout.files), project)
        with fresh_folder(project) as fresh:
            with disk_errors(project):
                fresh.mkdir()
                known = fact_cache.read(project)
                facts, left_out = copy(
                    source,
                    layout.files,
                    lambda found: fresh / found.path,
                    known,
                    console,
                    "Copying the images",
                )
                _copy_metadata(source, fresh, left_out)
            _refuse_lost_class(layout, facts)
            kept = swap(fresh, project)
            fact_cache.write(project, {one.sha256: one for one in facts.values()})
    tell(console, layout, facts, [*layout.left_out, *left_out])
    if kept:
        console.print(way_back(), soft_wrap=True)
    adopt(project / config.PARAMS, dataset, console)


def _dataset_name(source: Path, name: str | None) -> str:
    """The name that params.yaml takes: ASCII letters, digits and ` ._-`, a letter or digit first."""
    text = unicodedata.normalize("NFKD", name or source.resolve().name).encode("ascii", "ignore").decode()
    cleaned = re.sub(r"[^A-Za-z0-9 ._-]+", "-", text).lstrip(" ._-").rstrip(" -")
    if name and not cleaned:
        raise HeadstartError(f"The dataset name '{name}' has no ASCII letters or digits: choose another.")
    return cleaned or "photos"


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
