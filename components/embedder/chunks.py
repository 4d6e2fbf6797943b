"""The unit of work: some consecutive images of one file of examples, which become one shard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.features import GROUP, LABEL_INDEX, PATH, PIXELS, RANK, TRAIN


@dataclass(frozen=True)
class Chunk:
    """The images of one shard, as Transform left them."""

    unit: str  # "<split>-<file>-<number>"
    views: int  # wanted of each, itself included
    paths: list[str]
    groups: list[str]
    labels: np.ndarray  # int64 [images]
    ranks: np.ndarray  # int64 [images]
    pixels: np.ndarray  # uint8 [images, size, size, 3]


def chunks(file: tuple[str, int, str], size: int, images: int, views: int, done: set[str]) -> Iterator[Chunk]:
    """Read one file of transformed examples in order; what has its shard already is passed over.

    Args:
        file: split, number among the split's files, path.
        size: side of the images, pixels.
        images: of a chunk.
        views: of a training image; of any other, one.
        done: units that have a shard.
    """
    split, number, path = file
    records = tf.data.TFRecordDataset(path, "GZIP").batch(images).prefetch(1)
    for index, batch in enumerate(records.as_numpy_iterator()):
        unit = f"{split}-{number:05}-{index:06}"
        if unit not in done:
            rows = [tf.train.Example.FromString(record).features.feature for record in batch]
            pixels = np.frombuffer(b"".join(row[PIXELS].bytes_list.value[0] for row in rows), np.uint8)
            paths, groups = (
                [row[name].bytes_list.value[0].decode() for row in rows] for name in (PATH, GROUP)
            )
            yield Chunk(
                unit,
                views if split == TRAIN else 1,
                paths,
                groups,
                np.array([row[LABEL_INDEX].int64_list.value[0] for row in rows], np.int64),
                np.array([row[RANK].int64_list.value[0] for row in rows], np.int64),
                pixels.reshape(-1, size, size, 3),
            )
