"""Which training images a cell of the study has: a prefix of an order that keeps every class's share."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np


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


def choose(paths: Sequence[str], labels: np.ndarray, ranks: np.ndarray, subset: dict[str, Any]) -> np.ndarray:
    """The training images of a subset; those of one draw nest.

    Args:
        paths: of all training images.
        labels: int64 [images]: their classes.
        ranks: int64 [images]: their places in the manifest.
        subset: `images`, how many in all, or `per_class`, how many of each class (all of a class that has
            fewer); with neither, all. `draw`: 0 takes them in the manifest's order, any other number in an
            order of its own.

    Returns:
        bool [images].
    """
    places = np.asarray(ranks)
    if subset["draw"]:
        drawn = order(zip(paths, labels.tolist()), f"draw {subset['draw']}")
        places = np.array([drawn[path] for path in paths])
    chosen = np.ones(len(paths), bool)
    if subset["images"] is not None:
        chosen &= places < subset["images"]
    if subset["per_class"] is not None:
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            chosen[members[np.argsort(places[members])[subset["per_class"] :]]] = False
    return chosen
