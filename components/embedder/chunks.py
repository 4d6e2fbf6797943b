"""The unit of work: some consecutive decoded images, which become one shard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headstart.components.shared.activations import shards
from headstart.components.shared.activations.store import Store
from headstart.components.shared.features import TRAIN


@dataclass(frozen=True)
class Chunk:
    """The images of one shard, as Decoder left them."""

    unit: str  # "<split>-<number>"
    views: int  # wanted of each, itself included
    paths: list[str]
    groups: list[str]
    labels: np.ndarray  # int64 [images]
    ranks: np.ndarray  # int64 [images]
    pixels: np.ndarray  # uint8 [images, size, size, 3]


@dataclass(frozen=True)
class Plan:
    """A chunk before its images are read: rows of some shards."""

    unit: str
    views: int
    rows: dict[Path, list[int]]


def plan(decoded: Store, images: int, views: int, wanted: set[str] | None = None) -> Iterator[Plan]:
    """Divide the images into chunks, across the shards that they lie in.

    Args:
        decoded: the decoded images.
        images: of a chunk; the last one of a split may have fewer.
        views: of a training image; of any other, one.
        wanted: paths of the images; None takes all.
    """
    for split, parts in decoded.parts.items():
        places = [
            (file, row)
            for file, part in parts.items()
            for row, path in enumerate(part.paths)
            if wanted is None or path in wanted
        ]
        for number, start in enumerate(range(0, len(places), images)):
            rows: dict[Path, list[int]] = {}
            for file, row in places[start : start + images]:
                rows.setdefault(file, []).append(row)
            yield Plan(f"{split}-{number:06}", views if split == TRAIN else 1, rows)


def read(planned: Plan) -> Chunk:
    """Read the images of a chunk."""
    parts = [(shards.read(file), rows) for file, rows in planned.rows.items()]
    return Chunk(
        planned.unit,
        planned.views,
        [part.paths[row] for part, rows in parts for row in rows],
        [part.groups[row] for part, rows in parts for row in rows],
        *(
            np.concatenate([getattr(part, column)[rows] for part, rows in parts])
            for column in ("labels", "ranks", "pixels")
        ),
    )
