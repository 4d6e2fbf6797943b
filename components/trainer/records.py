"""Transformed examples as `tf.data`: what Trainer reads, and how training images are varied."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from components.features import LABEL_INDEX, PATH, PIXELS, RANK

_FEATURES = {
    PATH: tf.io.FixedLenFeature([], tf.string),
    PIXELS: tf.io.FixedLenFeature([], tf.string),
    LABEL_INDEX: tf.io.FixedLenFeature([], tf.int64),
    RANK: tf.io.FixedLenFeature([], tf.int64),
}
_MEMORY = 4 << 30  # bytes of pixels kept in memory between epochs; more is read from disk each time


class Records:
    """The labelled images of one split, or of its first `images` by rank."""

    def __init__(self, files: list[str], image_size: int, images: int | None = None):
        """Read the records; keep them in memory, in the order of their paths, where they fit.

        Beam writes shards in another order every time, and a shuffle of another order is another
        training: the same seed has to give the same metrics. What does not fit is read in the files' order.

        Args:
            files: gzipped TFRecords of transformed examples; a pattern is allowed.
            image_size: side, pixels.
            images: take those with rank below this; None takes all.
        """
        names = sorted(str(name) for pattern in files for name in tf.io.gfile.glob(pattern))
        dataset = tf.data.TFRecordDataset(names, compression_type="GZIP", num_parallel_reads=1)
        dataset = dataset.map(lambda record: tf.io.parse_single_example(record, _FEATURES), tf.data.AUTOTUNE)
        if images is not None:
            dataset = dataset.filter(lambda row: row[RANK] < images)
        self._shape = (image_size, image_size, 3)
        known = [int(row[LABEL_INDEX]) for row in dataset.as_numpy_iterator()]
        if len(known) * image_size * image_size * 3 <= _MEMORY:
            rows = sorted(
                (row[PATH], row[PIXELS], int(row[LABEL_INDEX])) for row in dataset.as_numpy_iterator()
            )
            self.labels = [label for _, _, label in rows]
            pixels = tf.constant([raw for _, raw, _ in rows])
            self._dataset = tf.data.Dataset.from_tensor_slices((pixels, tf.constant(self.labels, tf.int64)))
        else:
            self.labels = known
            self._dataset = dataset.map(lambda row: (row[PIXELS], row[LABEL_INDEX]))

    def __len__(self) -> int:
        """Number of images."""
        return len(self.labels)

    def batches(self, size: int) -> tf.data.Dataset:
        """In order: (float32 [batch, size, size, 3] of 0…255, int64 [batch])."""
        return self._dataset.batch(size).map(self._pixels, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    def shuffled(self, size: int, seed: int, augment: dict[str, Any]) -> tf.data.Dataset:
        """Like `batches`, in another order and with other random changes every epoch."""
        seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)
        dataset = self._dataset.shuffle(min(len(self), 4096), seed=seed, reshuffle_each_iteration=True)
        dataset = dataset.batch(size).map(self._pixels, tf.data.AUTOTUNE)
        dataset = tf.data.Dataset.zip(dataset, seeds)
        return dataset.map(
            lambda batch, seed: (vary(batch[0], seed, **augment), batch[1]), tf.data.AUTOTUNE
        ).prefetch(tf.data.AUTOTUNE)

    def _pixels(self, raw: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels = tf.reshape(tf.io.decode_raw(raw, tf.uint8), (-1, *self._shape))
        return tf.cast(pixels, tf.float32), labels


def vary(
    images: tf.Tensor, seed: tf.Tensor, flip: bool, shift: float, zoom: float, contrast: float
) -> tf.Tensor:
    """Flip, shift, zoom and change the contrast of every image at random, in one resampling.

    Args:
        images: float32 [batch, height, width, 3], 0…255.
        seed: int64 [2]; the same seed gives the same changes.
        flip: whether half of the images are mirrored left to right.
        shift: largest move, as a part of the side.
        zoom: largest change of scale, either way.
        contrast: largest change of contrast, either way.

    Returns:
        Of the same shape, type and range; what lies outside the image is its reflection.
    """
    batch = tf.shape(images)[0]
    height, width = tf.cast(tf.shape(images)[1], tf.float32), tf.cast(tf.shape(images)[2], tf.float32)
    draws = tf.random.stateless_uniform([5, batch], seed, -1.0, 1.0)
    scale = 1.0 + zoom * draws[0]
    mirror = tf.where(draws[1] < 0.0, -1.0, 1.0) if flip else tf.ones([batch])
    # Output (x, y) takes its colour from (a0 x + a2, b1 y + b2): scaled about the centre, then moved.
    a0, b1 = scale * mirror, scale
    a2 = (1.0 - a0) * (width - 1.0) / 2.0 + shift * width * draws[2]
    b2 = (1.0 - b1) * (height - 1.0) / 2.0 + shift * height * draws[3]
    zero = tf.zeros([batch])
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a0, zero, a2, zero, b1, b2, zero, zero], axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    factor = tf.reshape(1.0 + contrast * draws[4], [-1, 1, 1, 1])
    mean = tf.reduce_mean(moved, axis=[1, 2], keepdims=True)
    return tf.clip_by_value(mean + (moved - mean) * factor, 0.0, 255.0)
