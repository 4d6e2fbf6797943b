"""Subsets of the training images: the order that makes them nest, the files that name their images."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import PATH


def order(images: Iterable[tuple[str, Hashable]], seed: int | str) -> dict[str, int]:
    """The place of every image, 0 first, by path.

    One image of every class comes first; then the next is always of the class that is furthest behind its
    share (Sainte-Laguë's method), so that any prefix is as near to the classes' shares as whole images allow.

    Args:
        images: path and class of each; their own order does not matter.
        seed: another seed takes other images first.
    """
    classes: dict[Hashable, list[tuple[str, str]]] = defaultdict(list)
    for path, label in images:
        classes[label].append((hashlib.sha256(f"{seed}/{path}".encode()).hexdigest(), path))
    keyed = []
    for members in classes.values():
        for place, (digest, path) in enumerate(sorted(members)):
            due = (2 * place + 1) / len(members) if place else 0.0
            keyed.append((due, digest, path))
    return {path: rank for rank, (_, _, path) in enumerate(sorted(keyed))}


def digest(file: Path) -> str:
    """SHA-256 of a subset's file.

    Raises:
        HeadstartError: it is not there.
    """
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise HeadstartError(f"{file} is not here: `dvc repro prepare` makes it.") from None


def read(subset: dict[str, Any]) -> list[str]:
    """The paths of the images of a subset, in the order of its file: by rank, or by the draw's own order.

    Args:
        subset: `file` names the subset's file, `digest` is what `digest` says of it.

    Raises:
        HeadstartError: the file is not there, or has changed.
    """
    file = Path(subset["file"])
    if digest(file) != subset["digest"]:
        raise HeadstartError(f"{file} has changed while the study was running: start the study again.")
    with file.open(newline="", encoding="utf-8") as opened:
        return [row[PATH] for row in csv.DictReader(opened)]
