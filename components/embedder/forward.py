"""Images to activations and embeddings, in batches that fit into memory."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from threading import Lock
from typing import Any

import keras
import numpy as np
import psutil
import tensorflow as tf

from headstart.components.embedder.chunks import Chunk
from headstart.components.shared.activations.shards import Rows
from headstart.components.shared.augment import draws_of, vary
from headstart.components.shared.base import bases
from headstart.components.shared.base.cuts import cut
from headstart.components.shared.base.inference import InInference
from headstart.components.shared.base.pooling import features, outputs, pool

_LARGEST_BATCH = 64  # images; more is no faster on two cores


class Forward:
    """A base that answers at the cut and at its end."""

    def __init__(
        self,
        base: dict[str, Any],
        depth: int,
        augment: dict[str, Any],
        chunk: int = _LARGEST_BATCH,
        grids: Sequence[int] = (),
    ):
        """Build the base.

        Args:
            base: the section of params.yaml, weights resolved.
            depth: blocks above the cut; 0 asks for no activations.
            augment: arguments of `vary`.
            chunk: most images that come at a time; a batch is no larger.
            grids: what the outputs of all blocks are pooled to, of the images as they are.
        """
        model = bases.load(**base)
        self._normalise = bases.preprocess(base["architecture"])
        self._augment = augment
        self._depth = depth
        self._features = list(features(model, grids))  # block by block
        pooled = keras.layers.GlobalAveragePooling2D()(model.output)
        answers = [pooled, *([cut(model, depth)] if depth else []), *(outputs(model) if grids else [])]
        self._model = InInference(keras.Model(model.input, answers))
        self._batch = largest_batch(model, psutil.virtual_memory().total, chunk)
        self._run = tf.function(self._compute, autograph=False)
        # TensorFlow spreads one batch over all cores; several at a time would only take more memory.
        self._lock = Lock()

    def __getstate__(self) -> None:
        raise TypeError("a loaded base is not sent from one worker to another")

    def rows(self, chunk: Chunk) -> tuple[Rows, tuple[float, float]]:
        """A chunk's embeddings and activations, and the wall and CPU seconds that they took."""
        with self._lock:
            started, cpu = time.perf_counter(), time.process_time()
            views = [self._view(chunk, view) for view in range(chunk.views)]
            seconds = time.perf_counter() - started, time.process_time() - cpu
        embeddings, activations, scales = (np.stack(one, axis=1) for one in zip(*(v[:3] for v in views)))
        rows = Rows(
            chunk.paths,
            chunk.groups,
            chunk.labels,
            chunk.ranks,
            embeddings,
            activations,
            scales,
            pooled=dict(zip(self._features, views[0][3:])),
        )
        return rows, seconds

    def _view(self, chunk: Chunk, view: int) -> list[np.ndarray]:
        draws = draws_of(chunk.paths, view) if view else None
        while True:
            try:
                batches = [slice(i, i + self._batch) for i in range(0, len(chunk.paths), self._batch)]
                parts = [
                    self._padded(chunk.pixels[at], None if draws is None else draws[at]) for at in batches
                ]
            except tf.errors.ResourceExhaustedError:
                if self._batch == 1:
                    raise
                self._batch //= 2
                continue
            return [np.concatenate(part) for part in zip(*parts)]

    def _padded(self, pixels: np.ndarray, draws: np.ndarray | None) -> list[np.ndarray]:
        """One batch, filled up to the usual size: one trace, and the same arithmetic for every image."""

        def fill(values: np.ndarray) -> np.ndarray:
            return np.pad(values, [(0, self._batch - len(pixels))] + [(0, 0)] * (values.ndim - 1))

        answers = self._run(fill(pixels), None if draws is None else fill(draws))
        return [answer.numpy()[: len(pixels)] for answer in answers]

    def _compute(self, pixels: tf.Tensor, draws: tf.Tensor | None) -> list[tf.Tensor]:
        """Embeddings; activations, divided by a power of two that brings each image's to -1…1; that power.

        Undivided, the largest of float32's values would be infinite in float16, and the smallest gone. Of the
        images as they are, the pooled blocks follow.
        """
        images = pixels if draws is None else vary(pixels, draws, **self._augment)
        embeddings, *others = tf.nest.flatten(self._model(self._normalise(tf.cast(images, tf.float32))))
        if self._depth:
            answers = [embeddings, *_halved(others.pop(0))]
        else:
            answers = [embeddings, tf.zeros([self._batch, 0], tf.float16), tf.zeros([self._batch, 0])]
        if draws is None:
            for number, maps in enumerate(others):
                grids = [grid for block, grid in self._features if block == number]
                answers += [_half(pooled) for pooled in pool(maps, grids)]
        return answers


def _halved(activations: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    largest = tf.reduce_max(tf.abs(activations), axis=list(range(1, activations.shape.rank)))
    scales = tf.where(largest > 0, 2.0 ** tf.math.ceil(tf.experimental.numpy.log2(largest)), 1.0)
    divided = activations / tf.reshape(scales, [-1] + [1] * (activations.shape.rank - 1))
    return tf.cast(divided, tf.float16), scales


def _half(pooled: tf.Tensor) -> tf.Tensor:
    """Float16, kept finite: means of activations that leave its range are as large as it goes."""
    return tf.cast(tf.clip_by_value(pooled, tf.float16.min, tf.float16.max), tf.float16)


def largest_batch(base: keras.Model, memory: int, chunk: int) -> int:
    """The largest power of two of images, up to 64, whose widest layers fit into an eighth of the memory.

    Of all the memory, not of what happens to be free: another batch may round otherwise.

    Args:
        base: the base.
        memory: bytes.
        chunk: images that come at a time.
    """
    widest = max(math.prod(operation.output.shape[1:]) for operation in base.operations)
    fitting = memory / 8 / (4 * 4 * widest)  # four such tensors of float32 at a time
    return 2 ** int(math.log2(min(_LARGEST_BATCH, chunk, max(1, fitting))))
