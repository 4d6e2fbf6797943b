"""The images themselves, by row: for training that starts below the stored activations."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.activations.shards import full_disk_told
from components.features import PATH, PIXELS

_FEATURES = {
    PATH: tf.io.FixedLenFeature([], tf.string),
    PIXELS: tf.io.FixedLenFeature([], tf.string),
}


class Pixels:
    """Decoded images in a scratch file, in the order of a split's rows.

    Compressed records can only be read from their start; the scratch file is read at random, by way of the
    page cache. It has no name, so it is gone with the process.
    """

    def __init__(self, files: list[str], paths: list[str], size: int, scratch: Path):
        """Unpack some images.

        Args:
            files: gzipped TFRecords of transformed examples; a pattern is allowed.
            paths: the images wanted, in this order.
            size: side, pixels.
            scratch: folder of the scratch file, images x size x size x 3 bytes.

        Raises:
            HeadstartError: the disk is full.
            ValueError: an image is not in the files.
        """
        rows = {path: row for row, path in enumerate(paths)}
        names = sorted(str(name) for pattern in files for name in tf.io.gfile.glob(pattern))
        dataset = tf.data.TFRecordDataset(names, compression_type="GZIP")
        dataset = dataset.map(lambda record: tf.io.parse_single_example(record, _FEATURES), tf.data.AUTOTUNE)
        with tempfile.TemporaryFile(dir=scratch) as file:
            # Taken at once: a page that finds the disk full later would end the process without a word.
            with full_disk_told(scratch):
                file.truncate(len(paths) * size * size * 3)
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, len(paths) * size * size * 3)
            self._values = np.memmap(file, np.uint8, "r+", shape=(len(paths), size, size, 3))
        for image in dataset.prefetch(tf.data.AUTOTUNE).as_numpy_iterator():
            row = rows.pop(image[PATH].decode(), None)
            if row is not None:
                self._values[row] = np.frombuffer(image[PIXELS], np.uint8).reshape(size, size, 3)
        if rows:
            raise ValueError(f"{next(iter(rows))} is in the store, but not among the examples")

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Some images, uint8 [rows, size, size, 3]."""
        return self._values[rows]
