"""Random changes to training images: the stored views' and those made anew each epoch."""

from __future__ import annotations

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
        images: float32 [batch, height, width, 3], 0…255.
        draws: float32 [batch, DRAWS], uniform in -1…1.
        flip: whether half of the images are mirrored left to right.
        shift: largest move, as a part of the side.
        zoom: largest change of scale, either way.
        contrast: largest change of contrast, either way.

    Returns:
        Of the same shape, type and range; what lies outside the image is its reflection.
    """
    batch = tf.shape(images)[0]
    height, width = tf.cast(tf.shape(images)[1], tf.float32), tf.cast(tf.shape(images)[2], tf.float32)
    scale = 1.0 + zoom * draws[:, 0]
    mirror = tf.where(draws[:, 1] < 0.0, -1.0, 1.0) if flip else tf.ones([batch])
    # Output (x, y) takes its colour from (a0 x + a2, b1 y + b2): scaled about the centre, then moved.
    a0, b1 = scale * mirror, scale
    a2 = (1.0 - a0) * (width - 1.0) / 2.0 + shift * width * draws[:, 2]
    b2 = (1.0 - b1) * (height - 1.0) / 2.0 + shift * height * draws[:, 3]
    zero = tf.zeros([batch])
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a0, zero, a2, zero, b1, b2, zero, zero], axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    factor = tf.reshape(1.0 + contrast * draws[:, 4], [-1, 1, 1, 1])
    mean = tf.reduce_mean(moved, axis=[1, 2], keepdims=True)
    return tf.clip_by_value(mean + (moved - mean) * factor, 0.0, 255.0)
