"""`headstart data import --add`: the images of a folder join `data/`; known ones are skipped."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import shutil
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import PATH, TRAIN
from headstart.pipeline.config import file as config
from headstart.pipeline.data import accepted, fact_cache
from headstart.pipeline.data.image_facts import Facts, UnusableError
from headstart.pipeline.data.inspection import inspect_all
from headstart.pipeline.data.layout import METADATA, Found, Layout, scan
from headstart.pipeline.data.metadata import SPLIT, Metadata, load
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

_THERE = f"already in {DATA}/"


@dataclass
class _Places:
    """Where in `data/` each new image goes."""

    paths: dict[Found, str] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)  # those that metadata.csv must name, by path
    renamed: int = 0
    to_training: int = 0  # without a split of their own, among images that have one


def add_folder(source: Path, project: Path = Path("."), console: Console | None = None) -> int:
    """Let the images of a folder join `data/`, `dvc add` it, and say what joined.

    The new `data/` grows beside the old one and takes its place by a rename at the very end, as an import
    does. What is in `data/` already is hard-linked, which takes no room; where the file system has no hard
    links it is copied.

    Args:
        source: a folder with sub-folders of classes, or train, validation and test above them; one class, or
            none yet, is enough.
        project: the folder with params.yaml and .dvc.
        console: where to tell; standard output by default.

    Returns:
        How many images joined; where none did, nothing was changed.

    Raises:
        HeadstartError: `data/` or the source cannot be used, the disk is too full, or DVC fails.
    """
    console = console or Console()
    config.load(project / config.PARAMS)
    refuse_no_project(project)
    data = project / DATA
    refuse_overlap(source, data)
    clear_leftovers(project)
    old, given = scan(data), scan(source, part=True)
    metadata = load(source / METADATA, {found.path for found in given.files})
    new, skipped = _unknown(given, old)
    facts: dict[Found, Facts] = {}
    kept = False
    if new:
        refuse_full_disk(source, (found.path for found in new), project)
        with fresh_folder(project) as fresh:
            with disk_errors(project):
                shutil.copytree(data, fresh, symlinks=True, copy_function=_link)
                places = _places(new, old, fresh)
                seen = fact_cache.read(project)
                facts, unusable = _copy(source, new, places, fresh, seen, console)
                skipped += unusable
                rows = _rows({found: places.paths[found] for found in facts}, places.splits, metadata)
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
    if places.renamed:
        console.print(f"{places.renamed:,} got another name, as theirs was taken.", soft_wrap=True)
    if places.to_training:
        console.print(
            f"{places.to_training:,} joined the training split: {DATA}/ has split folders, and "
            f"{escape(str(source))} has none.",
            soft_wrap=True,
        )
    _tell_classes(console, project, sorted(set(labels) - set(old.labels)))
    if kept:
        console.print(way_back(), soft_wrap=True)
    return len(facts)


def _unknown(given: Layout, old: Layout) -> tuple[list[Found], list[tuple[str, str]]]:
    """The files whose bytes are new, each content once, and (path, reason) of the others.

    Files of another size have other bytes, so of `data/` only those of the same size are read.
    """
    of_size: dict[int, list[Found]] = defaultdict(list)
    for found in old.files:
        of_size[(old.folder / found.path).stat().st_size].append(found)
    known: dict[str, Found] = {}  # by digest
    new, skipped = [], []
    for found in given.files:
        try:
            encoded = (given.folder / found.path).read_bytes()
        except OSError:
            new.append(found)  # the copy tells why
            continue
        for other in of_size.pop(len(encoded), []):
            known[_digest((old.folder / other.path).read_bytes())] = other
        twin = known.setdefault(_digest(encoded), found)
        if twin is found:
            new.append(found)
        elif twin.label == found.label:
            skipped.append((found.path, _THERE))
        else:
            skipped.append((found.path, f"{_THERE} as '{twin.label}'"))
    return new, skipped


def _digest(encoded: bytes) -> str:
    return hashlib.sha256(encoded).hexdigest()


def _link(source: str, target: str) -> None:
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


def _copy(
    source: Path, new: list[Found], places: _Places, fresh: Path, seen: dict[str, Facts], console: Console
) -> tuple[dict[Found, Facts], list[tuple[str, str]]]:
    def keep(found: Found, encoded: bytes) -> None:
        target = fresh / places.paths[found]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(encoded)

    facts, unusable = {}, []
    # Closed before anyone removes `fresh`: no thread may write into it any more.
    with closing(inspect_all(source, new, console, keep, "Adding the images", seen)) as outcomes:
        for found, outcome in outcomes:
            if isinstance(outcome, UnusableError):
                unusable.append((found.path, str(outcome)))
            else:
                facts[found] = outcome
    return facts, unusable


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
