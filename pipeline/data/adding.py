"""`headstart data import --add`: the images of a folder join `data/`; known ones are skipped."""

from __future__ import annotations

import csv
import io
import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import PATH, TRAIN
from headstart.pipeline import project as places
from headstart.pipeline.config import file as config
from headstart.pipeline.data import accepted, fact_cache, memory
from headstart.pipeline.data.copying import copy
from headstart.pipeline.data.image_facts import Facts
from headstart.pipeline.data.layout import METADATA, Found, Layout, scan
from headstart.pipeline.data.metadata import SPLIT, Metadata, load
from headstart.pipeline.data.new_files import new_files
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


@dataclass
class _Places:
    """Where in `data/` each new image goes."""

    paths: dict[Found, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)  # those that metadata.csv must name, by path
    renamed: int = 0
    to_training: int = 0  # without a split of their own, among images that have one


def add_folder(
    source: Path, project: Path = Path("."), console: Console | None = None, again: bool = False
) -> int:
    """Let the images of a folder join `data/`, `dvc add` it, and say what joined.

    The new `data/` grows beside the old one and takes its place by a rename at the very end, as an import
    does. What is in `data/` already is hard-linked, which takes no room; where the file system has no hard
    links it is copied.

    Args:
        source: a folder with sub-folders of classes, or train, validation and test above them; one class, or
            none yet, is enough.
        project: the folder with params.yaml and .dvc.
        console: where to tell; standard output by default.
        again: whether images that were removed from `data/` join again.

    Returns:
        How many images joined; where none did, nothing was changed.

    Raises:
        HeadstartError: `data/` or the source cannot be used, another import is under way, the disk is too
            full, or DVC fails.
    """
    dataset = config.load(project / config.PARAMS).dataset
    refuse_no_project(project)
    refuse_overlap(source, project / DATA)
    with places.lock(places.IMPORT, project):
        clear_leftovers(project)
        return _add(source, project, console or Console(), set() if again else _removed(project, dataset))


def _add(source: Path, project: Path, console: Console, removed: set[str]) -> int:
    data = project / DATA
    old, given = scan(data), scan(source, part=True)
    metadata = load(source / METADATA, {found.path for found in given.files})
    load(
        data / METADATA, {found.path for found in old.files}
    )  # an error in it is told before anything is done
    new, skipped = new_files(given, old, removed)
    facts: dict[Found, Facts] = {}
    kept = False
    if new:
        refuse_full_disk(source, (found.path for found in new), project)
        with fresh_folder(project) as fresh:
            with disk_errors(project):
                _grow(data, fresh)
                targets = _places(new, old, fresh)
                seen = fact_cache.read(project)
                facts, unusable = copy(
                    source,
                    new,
                    lambda found: fresh / targets.paths[found],
                    seen,
                    console,
                    "Adding the images",
                )
                skipped += unusable
                rows = _rows({found: targets.paths[found] for found in facts}, targets.splits, metadata)
                _merge_metadata(data / METADATA, fresh / METADATA, rows)
            if facts:
                _check(fresh)
                kept = swap(fresh, project)
                fact_cache.write(project, seen | {one.sha256: one for one in facts.values()})
    if not facts:
        reasons = Counter(reason for _, reason in [*given.left_out, *skipped])
        told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items())) or "no images"
        console.print(escape(f"Nothing new in {source} ({told}). {DATA}/ is as it was."), soft_wrap=True)
        return 0
    labels = sorted({found.label for found in facts})
    tell(console, Layout(source, labels=labels, hidden=given.hidden), facts, [*given.left_out, *skipped])
    if targets.renamed:
        console.print(
            f"{targets.renamed:,} got a number in their name, because another image has the name.",
            soft_wrap=True,
        )
    if targets.to_training:
        console.print(
            f"{targets.to_training:,} joined the training split: {DATA}/ has split folders, and "
            f"{escape(str(source))} has none.",
            soft_wrap=True,
        )
    _tell_classes(console, project, sorted(set(labels) - set(old.labels)))
    if kept:
        console.print(way_back(), soft_wrap=True)
    return len(facts)


def _removed(project: Path, dataset: str) -> set[str]:
    """SHA-256 of all images that the manifest ever had."""
    known = memory.read(project / memory.FILE)
    return known.images() if known.is_of(dataset) else set()


def _grow(old: Path, fresh: Path, above: tuple[str, ...] = (), linked: bool = False) -> None:
    """Hard-link what `data/` has into the folder that takes its place.

    A linked folder becomes a folder of copies: a new image must not get to where the link leads, nor may DVC
    change the rights of the files there.
    """
    above = (*above, os.path.realpath(old), os.path.realpath(fresh))
    fresh.mkdir()
    for entry in sorted(old.iterdir()):
        place = fresh / entry.name
        if entry.is_dir() and os.path.realpath(entry) not in above:
            _grow(entry, place, above, linked or entry.is_symlink())
        elif linked and entry.is_file():
            shutil.copy2(entry, place)
        elif entry.is_symlink():
            place.symlink_to(os.readlink(entry))
        elif not entry.is_dir():
            _link(entry, place)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _places(new: list[Found], old: Layout, fresh: Path) -> _Places:
    """Give every new image a path: in the folders of its class and split, under a name that is free.

    Where `data/` has no split folders, metadata.csv takes the split. Where it has some and the new images
    have none, they go to the training split.
    """
    divided = any(found.split for found in old.files)
    folders: dict[str, str] = {}
    for found in old.files:
        parts = found.path.split("/")
        folders.setdefault(f"class {found.label}", parts[1] if divided else parts[0])
        folders.setdefault(f"split {found.split}", parts[0])
    places = _Places()
    # Some file systems take "1.JPG" and "1.jpg" for one name.
    taken = {path.relative_to(fresh).as_posix().casefold() for path in fresh.rglob("*")}
    for found in new:
        parts = found.path.split("/")[1 if found.split else 0 :]
        inside = [folders.get(f"class {found.label}", parts[0]), *parts[1:]]
        split = found.split or TRAIN
        top = [folders.get(f"split {split}", split)] if divided else []
        wanted = path = PurePosixPath(*top, *inside)
        number = 2
        while str(path).casefold() in taken:
            path = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
            number += 1
        taken.add(str(path).casefold())
        places.paths[found] = str(path)
        places.renamed += path != wanted
        places.to_training += divided and not found.split
        if found.split and not divided:
            places.splits[str(path)] = found.split
    return places


def _rows(paths: dict[Found, str], splits: dict[str, str], metadata: Metadata) -> list[dict[str, str]]:
    """What metadata.csv gains: a row for each new image that the source's own names, or that has a split."""
    rows = []
    for found, path in sorted(paths.items(), key=lambda one: one[1]):
        cells = dict(metadata.values.get(found.path, {}))
        cells.pop(PATH, None)
        if path in splits:
            cells[SPLIT] = cells.get(SPLIT) or splits[path]
        if cells:
            rows.append({PATH: path, **cells})
    return rows


def _merge_metadata(old: Path, fresh: Path, rows: list[dict[str, str]]) -> None:
    """Write the old file's rows and the new ones, with the columns of both; what one lacks is empty."""
    if not rows:
        return
    text = old.read_bytes().decode("utf-8-sig") if old.exists() else PATH
    header, *before = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    columns = list(dict.fromkeys([*header, *(name for row in rows for name in row)]))
    fresh.unlink(missing_ok=True)  # the old file's second name: writing would change the old file too
    with fresh.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows([*(dict(zip(header, row)) for row in before), *rows])


def _check(fresh: Path) -> None:
    """Refuse what `prepare` would refuse: class names that differ in case, a metadata.csv that is wrong."""
    try:
        load(fresh / METADATA, {found.path for found in scan(fresh).files})
    except HeadstartError as error:
        told = str(error).replace(str(fresh), DATA)
        raise HeadstartError(f"The images cannot join {DATA}/, nothing was changed. {told}") from None


def _tell_classes(console: Console, project: Path, classes: list[str]) -> None:
    if not classes:
        return
    named = ", ".join(f"'{label}'" for label in classes)
    accept = f" If that is right, run {accepted.ACCEPT}." if (project / accepted.FILE).exists() else ""
    console.print(escape(f"{DATA}/ did not have the class {named} before.{accept}"), soft_wrap=True)
