"""The unit of work: some consecutive images of one shard of decoded images, which become one shard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.activations import shards
from components.features import TRAIN


@dataclass(frozen=True)
class Chunk:
    """The images of one shard, as Decoder left them."""

    unit: str  # "<split>-<file>-<number>-<number>"
    views: int  # wanted of each, itself included
    paths: list[str]
    groups: list[str]
    labels: np.ndarray  # int64 [images]
    ranks: np.ndarray  # int64 [images]
    pixels: np.ndarray  # uint8 [images, size, size, 3]


def chunks(
    shard: tuple[str, Path], images: int, views: int, done: set[str], wanted: set[str] | None = None
) -> Iterator[Chunk]:
    """Read one shard of decoded images in order; what has its own shard already is passed over.

    Args:
        shard: split, file.
        images: of a chunk.
        views: of a training image; of any other, one.
        done: units that have a shard.
        wanted: paths of the images to read; None reads all.
    """
    split, path = shard
    rows = shards.read(path)
    kept = np.array([i for i, name in enumerate(rows.paths) if wanted is None or name in wanted], np.int64)
    for index, start in enumerate(range(0, len(kept), images)):
        unit = f"{shards.unit_of(path)}-{index:04}"
        if unit not in done:
            at = kept[start : start + images]
            yield Chunk(
                unit,
                views if split == TRAIN else 1,
                [rows.paths[row] for row in at],
                [rows.groups[row] for row in at],
                rows.labels[at],
                rows.ranks[at],
                rows.pixels[at],
            )
