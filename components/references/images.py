"""Decoded images, shrunk until all of them fit into memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from headstart.components.shared.activations.store import Split

_BATCH = 64


@dataclass(frozen=True)
class Images:
    """The images of one split, in the order of their paths."""

    paths: list[str]
    labels: np.ndarray  # int64 [images]
    ranks: np.ndarray  # int64 [images]
    pixels: np.ndarray  # uint8 [images, side, side, 3]


def read(split: Split, side: int) -> Images:
    """Read a split.

    Args:
        split: of the decoded images.
        side: a larger image is shrunk to this, pixels, by the mean of each area.
    """
    batches = [np.arange(start, min(start + _BATCH, len(split))) for start in range(0, len(split), _BATCH)]
    pixels = np.concatenate([_shrink(split.pixels(rows), side) for rows in batches])
    return Images(split.paths, split.labels, split.ranks, pixels)


def _shrink(pixels: np.ndarray, side: int) -> np.ndarray:
    if pixels.shape[1] <= side:
        return pixels
    means = tf.image.resize(tf.cast(pixels, tf.float32), [side, side], tf.image.ResizeMethod.AREA)
    return tf.cast(tf.round(means), tf.uint8).numpy()
