"""Batches as `tf.data`, from anything that can be read by row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from headstart.components.shared.activations.store import Split
from headstart.components.shared.augment import DRAWS, vary

Arrays = tuple[np.ndarray, ...]


def rows(
    make: Callable[[np.ndarray, np.random.Generator], Arrays],
    images: int,
    size: int,
    seed: int | None = None,
    passes: int = 1,
    whole: bool = False,
) -> tf.data.Dataset:
    """Batches of rows: in order, or with a seed in another order at each pass.

    Args:
        make: row numbers, int64 [batch], and a generator for whatever is drawn, to arrays [batch, …].
        images: number of rows.
        size: rows of a batch; the last may have fewer.
        seed: the same seed gives the same passes; None keeps the order.
        passes: over all rows that one pass over the dataset makes.
        whole: every batch has `size` rows (or all, if there are fewer), and what is over at the end of a
            pass is left out of it. TensorFlow then knows the shape.
    """
    if whole:
        size = min(size, images)
    ends = images - size + 1 if whole else images
    begun = itertools.count()

    def generate() -> Iterator[Arrays]:
        rng = np.random.default_rng([abs(seed or 0), next(begun)])
        for _ in range(passes):
            order = np.arange(images) if seed is None else rng.permutation(images)
            for start in range(0, ends, size):
                yield make(order[start : start + size], rng)

    first = make(np.arange(1), np.random.default_rng(0))
    batch = size if whole else None
    signature = tuple(tf.TensorSpec([batch, *array.shape[1:]], array.dtype) for array in first)
    dataset = tf.data.Dataset.from_generator(generate, output_signature=signature)
    steps = math.ceil(ends / size) * passes
    return dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(tf.data.AUTOTUNE)


def stored(split: Split, column: str, size: int, seed: int | None = None) -> tf.data.Dataset:
    """Batches (float32 [batch, …], int64 [batch]) of a column of the store.

    Args:
        split: of the store.
        column: `embeddings` or `activations`.
        size: images of a batch.
        seed: shuffles, and draws one of the stored views of each image; None gives the images themselves.
    """
    take = getattr(split, column)

    def make(at: np.ndarray, rng: np.random.Generator) -> Arrays:
        views = np.zeros(len(at), int) if seed is None else rng.integers(0, split.views, len(at))
        return take(at, views), split.labels[at]

    dataset = rows(make, len(split), size, seed)
    return dataset.map(lambda values, labels: (tf.cast(values, tf.float32), labels), tf.data.AUTOTUNE)


def images(
    split: Split,
    normalise: Any,
    size: int,
    seed: int | None = None,
    augment: dict[str, Any] | None = None,
    passes: int = 1,
) -> tf.data.Dataset:
    """Batches (normalised float32 [batch, size, size, 3], int64 [batch]) of the images.

    Args:
        split: of the decoded images.
        normalise: the base's preprocessing.
        size: images of a batch.
        seed: shuffles; None keeps the order.
        augment: arguments of `vary`, other changes at each pass, in whole batches; without arguments nothing
            changes. None: nothing changes, and the last batch may have fewer images.
        passes: as in `rows`.
    """

    def make(at: np.ndarray, rng: np.random.Generator) -> Arrays:
        draws = rng.uniform(-1, 1, (len(at), DRAWS)).astype(np.float32)
        return split.pixels(at), draws, split.labels[at]

    def prepare(values: tf.Tensor, draws: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        values = tf.cast(values, tf.float32)
        return normalise(vary(values, draws, **augment) if augment else values), labels

    return rows(make, len(split), size, seed, passes, whole=augment is not None).map(
        prepare, tf.data.AUTOTUNE
    )
