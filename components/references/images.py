"""Transformed images, shrunk until all of them fit into memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.features import LABEL_INDEX, PATH, PIXELS, RANK

_FEATURES = {
    PATH: tf.io.FixedLenFeature([], tf.string),
    LABEL_INDEX: tf.io.FixedLenFeature([], tf.int64),
    RANK: tf.io.FixedLenFeature([], tf.int64),
    PIXELS: tf.io.FixedLenFeature([], tf.string),
}
_BATCH = 64


@dataclass(frozen=True)
class Images:
    """The images of one split, in the order of their paths."""

    paths: list[str]
    labels: np.ndarray  # int64 [images]
    ranks: np.ndarray  # int64 [images]
    pixels: np.ndarray  # uint8 [images, side, side, 3]


def read(pattern: str, size: int, side: int) -> Images:
    """Read a split.

    Args:
        pattern: its gzipped TFRecords.
        size: side of the images, pixels.
        side: a larger image is shrunk to this, by the mean of each area.
    """

    def parse(records: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.io.parse_example(records, _FEATURES)
        pixels = tf.reshape(tf.io.decode_raw(rows[PIXELS], tf.uint8), [-1, size, size, 3])
        if size > side:
            means = tf.image.resize(tf.cast(pixels, tf.float32), [side, side], tf.image.ResizeMethod.AREA)
            pixels = tf.cast(tf.round(means), tf.uint8)
        return {**rows, PIXELS: pixels}

    files = sorted(tf.io.gfile.glob(pattern))
    records = tf.data.TFRecordDataset(files, "GZIP").batch(_BATCH)
    batches = list(records.map(parse, tf.data.AUTOTUNE).prefetch(1).as_numpy_iterator())
    columns = {name: np.concatenate([batch[name] for batch in batches]) for name in _FEATURES}
    paths = [path.decode() for path in columns[PATH]]
    order = sorted(range(len(paths)), key=paths.__getitem__)
    return Images(
        [paths[row] for row in order], *(columns[name][order] for name in (LABEL_INDEX, RANK, PIXELS))
    )
