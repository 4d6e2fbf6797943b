"""How a folder of images is laid out: a folder a class, or train, validation and test above them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import TEST, TRAIN, VALIDATION
from headstart.pipeline.data.image_facts import meant_as_image

METADATA = "metadata.csv"  # of the user, at the top of the data folder
NO_SOURCE = "-"

_SPLIT_NAMES = {
    "train": TRAIN, "training": TRAIN,
    "validation": VALIDATION, "val": VALIDATION, "valid": VALIDATION,
    "test": TEST, "testing": TEST,
}  # fmt: skip
_JUNK = frozenset({"thumbs.db", "desktop.ini", "__macosx", "icon\r"})


@dataclass(frozen=True)
class Found:
    """A file in a class folder; nobody has looked inside it yet."""

    path: str  # relative to the data folder, with forward slashes
    label: str
    split: str  # the folder's own, or ""
    source: str  # the first folder below the class folder, or "-"


@dataclass
class Layout:
    """What a data folder holds."""

    folder: Path
    files: list[Found] = field(default_factory=list)  # sorted by path
    labels: list[str] = field(default_factory=list)  # sorted; a class folder may be empty
    left_out: list[tuple[str, str]] = field(default_factory=list)  # (path, reason), sorted
    hidden: int = 0  # hidden files and those that operating systems leave behind


def split_name(name: str) -> str | None:
    """The split that a folder name or a metadata value means, if it means one."""
    return _SPLIT_NAMES.get(name.strip().lower())


def scan(folder: Path, part: bool = False) -> Layout:
    """List what a data folder holds, by names alone; links are followed.

    Args:
        folder: the data folder.
        part: it joins another data folder, so one class, or none, is enough.

    Raises:
        HeadstartError: the folder is absent, holds images but no class folders, names that differ in case
            alone, or fewer than two classes.
    """
    layout = Layout(folder)
    if not folder.is_dir():
        what = "is a file: unpack it first and name the folder" if folder.exists() else "is not there"
        raise HeadstartError(
            f"{folder} {what}; `headstart data import FOLDER` brings your images "
            "in, and in a clone of headstart `headstart demo` makes the demo's."
        )
    tops = _folders(folder)
    splits = [top for top in tops if split_name(top.name)]
    others = [top for top in tops if not split_name(top.name)]
    # Folders named train, bus and car are classes; train and test beside something else are a mistake.
    if others and len({split_name(top.name) for top in splits}) > 1:
        raise HeadstartError(
            f"{folder} has the split folders {_list(splits)} beside other folders ({_list(others)}): "
            "move those into a split folder or out of the data folder."
        )
    if splits and not others and any(_folders(top) for top in splits):
        for top in splits:
            _scan_classes(layout, top, split_name(top.name) or "")
            _loose(layout, top)
    else:
        _scan_classes(layout, folder, "")
    _loose(layout, folder)
    layout.labels = sorted(set(layout.labels))
    layout.files.sort(key=lambda found: found.path)
    layout.left_out.sort()
    _check_names(layout)
    _check_classes(layout, part)
    return layout


def _scan_classes(layout: Layout, parent: Path, split: str) -> None:
    for folder in _folders(parent):
        # macOS hands out decomposed accents; the label is the same word either way.
        label = unicodedata.normalize("NFC", folder.name)
        layout.labels.append(label)
        for file in _walk(layout, folder, (os.path.realpath(parent),)):
            inside = file.relative_to(folder).parts
            source = inside[0] if len(inside) > 1 else NO_SOURCE
            layout.files.append(Found(_relative(layout, file), label, split, source))


def _walk(layout: Layout, folder: Path, above: tuple[str, ...]) -> Iterator[Path]:
    real = os.path.realpath(folder)
    if real in above:
        layout.left_out.append((_relative(layout, folder), "a link to a folder that it lies in"))
        return
    for entry in sorted(folder.iterdir()):
        path = _relative(layout, entry)
        if _is_junk(entry.name):
            layout.hidden += 1
        elif not _is_utf8(path):
            layout.left_out.append((path, "its name is not UTF-8"))
        elif entry.is_dir():
            yield from _walk(layout, entry, (*above, real))
        elif entry.is_file():
            yield entry
        else:
            layout.left_out.append((path, "a broken link" if entry.is_symlink() else "not a plain file"))


def _loose(layout: Layout, folder: Path) -> None:
    """Note the images that lie beside class folders; a README or a licence there is nobody's loss."""
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() or (folder == layout.folder and entry.name == METADATA):
            continue
        if _is_junk(entry.name):
            layout.hidden += 1
        elif meant_as_image(entry.name):
            layout.left_out.append((_relative(layout, entry), "not in a class folder"))


def _check_names(layout: Layout) -> None:
    seen: dict[str, str] = {}
    for label in layout.labels:
        # The vocabulary file has a class a line, and some file systems take "Cat" and "cat" for one folder.
        if not _is_utf8(label) or not label.isprintable() or label != label.strip():
            raise HeadstartError(
                f"The class folder {label!r} in {layout.folder} has spaces at its ends or unprintable "
                "characters in its name: rename it."
            )
        twin = seen.setdefault(label.casefold(), label)
        if twin != label:
            raise HeadstartError(
                f"The class folders '{twin}' and '{label}' in {layout.folder} differ only in upper and lower "
                "case: rename or merge them."
            )


def _check_classes(layout: Layout, part: bool) -> None:
    if len(layout.labels) > 1 and layout.files:
        return
    folder = layout.folder
    if not layout.labels and any(reason == "not in a class folder" for _, reason in layout.left_out):
        raise HeadstartError(
            f"{folder} holds images but no class folders: sort them into one folder for each class."
        )
    if part:
        return
    if not layout.files:
        raise HeadstartError(
            f"{folder} holds no images: `headstart data import FOLDER` brings your images "
            "in, and in a clone of headstart `headstart demo` makes the demo's."
        )
    only = folder / layout.labels[0]
    inner = len(_folders(only)) if only.is_dir() else 0
    hint = f" (are the {inner} folders in it the classes? Then import {only})" if inner > 1 else ""
    raise HeadstartError(
        f"{folder} has the one class '{layout.labels[0]}', and a classifier needs two or more: add a folder "
        f"for another class{hint}."
    )


def _folders(parent: Path) -> list[Path]:
    return sorted(entry for entry in parent.iterdir() if entry.is_dir() and not _is_junk(entry.name))


def _is_junk(name: str) -> bool:
    return name.startswith(".") or name.lower() in _JUNK


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _relative(layout: Layout, path: Path) -> str:
    return path.relative_to(layout.folder).as_posix()


def _list(folders: list[Path]) -> str:
    return ", ".join(folder.name for folder in folders)
