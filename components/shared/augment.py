"""Random changes to training images: the stored views' and those made anew each epoch."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

DRAWS = 5  # random numbers an image: scale, mirror, move right, move down, contrast


def draws_of(paths: Sequence[str], view: int) -> np.ndarray:
    """The draws of one view of some images; they depend on the image's path alone, not on its neighbours.

    Args:
        paths: of the images.
        view: number of the view, from 1.

    Returns:
        float32 [images, DRAWS], uniform in -1…1.
    """
    seeds = [[zlib.crc32(path.encode()), view] for path in paths]
    return np.array([np.random.default_rng(seed).uniform(-1, 1, DRAWS) for seed in seeds], np.float32)


def vary(
    images: tf.Tensor, draws: tf.Tensor, flip: bool, shift: float, zoom: float, contrast: float
) -> tf.Tensor:
    """Flip, shift, zoom and change the contrast of every image at random, in one resampling.

    Args:
        images: of any number type, [batch, height, width, 3], 0…255; height and width are static.
        draws: float32 [batch, DRAWS], uniform in -1…1.
        flip: whether half of the images are mirrored left to right.
        shift: largest move, as a part of the side.
        zoom: largest change of scale, either way.
        contrast: largest change of contrast, either way.

    Returns:
        float32, of the same shape and range; what lies outside an image is its reflection.
    """
    scale = 1.0 + zoom * draws[:, 0]
    mirror = tf.where(draws[:, 1] < 0.0, -1.0, 1.0) if flip else tf.ones_like(scale)
    columns, left, right = _sampled(images.shape[2], zoom, shift, scale * mirror, draws[:, 2])
    rows, top, bottom = _sampled(images.shape[1], zoom, shift, scale, draws[:, 3])
    padded = _reflected(_reflected(images, 1, rows), 2, columns)
    # A box whose right side is left of its left one mirrors.
    boxes = tf.stack([top, left, bottom, right], axis=1)
    moved = tf.image.crop_and_resize(padded, boxes, tf.range(tf.shape(images)[0]), images.shape[1:3])
    factor = tf.reshape(1.0 + contrast * draws[:, 4], [-1, 1, 1, 1])
    mean = tf.reduce_mean(moved, axis=[1, 2], keepdims=True)
    return tf.clip_by_value(mean + (moved - mean) * factor, 0.0, 255.0)


def _sampled(
    side: int, zoom: float, shift: float, factor: tf.Tensor, move: tf.Tensor
) -> tuple[int, tf.Tensor, tf.Tensor]:
    """Where along one axis to sample: scaled about the centre, then moved.

    Returns:
        Pixels of padding that the farthest sample needs; the first and the last sample, as parts of the
        padded side.
    """
    padding = min(side - 1, math.ceil((side - 1) / 2 * zoom + shift * side))
    first = padding + (1.0 - factor) * (side - 1) / 2 + shift * side * move
    last = first + factor * (side - 1)
    return padding, first / (side - 1 + 2 * padding), last / (side - 1 + 2 * padding)


def _reflected(images: tf.Tensor, axis: int, padding: int) -> tf.Tensor:
    """`tf.pad` in its mode REFLECT, on one axis, ten times as fast."""
    side = images.shape[axis]
    before = tf.gather(images, range(padding, 0, -1), axis=axis)
    after = tf.gather(images, range(side - 2, side - 2 - padding, -1), axis=axis)
    return tf.concat([before, images, after], axis=axis)
