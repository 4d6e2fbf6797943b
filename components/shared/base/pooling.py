"""The outputs of a base's blocks, each pooled to a small grid: what the head that sees the blocks reads."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from headstart.components.shared.base.cuts import blocks
from headstart.components.shared.features import Feature

GRIDS = (1, 2, 3, 4)  # cells a side
# A block with more channels is reduced to so many by a fixed projection: the last block of MobileNetV2 has
# 1,280 and keeps them; ResNet50's 2,048 would make the store and the fit larger and the head no better.
MOST_CHANNELS = 1280


def outputs(base: keras.Model) -> list[keras.KerasTensor]:
    """The output of each block of a base, from its input to its output."""
    return [block[-1].output for block in blocks(base)]


def features(base: keras.Model, grids: Sequence[int]) -> dict[Feature, int]:
    """Every block on every grid, and its width.

    A map with fewer rows than a grid has cells is taken on the finest grid that it has: such a pair is left
    out where another one stands for it.
    """
    found = {}
    for block, output in enumerate(outputs(base)):
        for grid in sorted({min(grid, *output.shape[1:3]) for grid in grids}):
            found[block, grid] = grid**2 * min(output.shape[-1], MOST_CHANNELS)
    return found


def pool(maps: tf.Tensor, grids: Sequence[int]) -> list[tf.Tensor]:
    """The mean of a map over each cell of each grid; many channels are projected to fewer.

    Cell i of g on a side of h holds the rows floor(i h / g) to ceil((i + 1) h / g), as in adaptive average
    pooling: the cells cover the whole map, and overlap where g does not divide h. As products of matrices
    this takes a ninth of the time of `tf.einsum`.

    Args:
        maps: float32 [batch, height, width, channels]; all but the batch are static.
        grids: cells a side of each; no more than the map has rows and columns.

    Returns:
        For each grid, float32 [batch, cells * channels], row by row of the grid.
    """
    _, height, width, channels = maps.shape
    means = [_means(height, grid) for grid in grids]
    rows = tf.matmul(np.concatenate(means), tf.reshape(maps, [-1, height, width * channels]))
    pooled = []
    for grid, part in zip(grids, tf.split(rows, [len(one) for one in means], axis=1)):
        cells = tf.matmul(_means(width, grid), tf.reshape(part, [-1, width, channels]))
        if channels > MOST_CHANNELS:
            cells = tf.matmul(cells, _projection(channels))
        pooled.append(tf.reshape(cells, [-1, grid * grid * min(channels, MOST_CHANNELS)]))
    return pooled


class Pool(keras.layers.Layer):
    """`pool` on one grid, as a layer."""

    def __init__(self, grid: int, **kwargs: object):
        """Pool to `grid` x `grid` cells."""
        super().__init__(**kwargs)
        self.grid = grid

    def call(self, maps: tf.Tensor) -> tf.Tensor:
        """Float32 [batch, height, width, channels] to [batch, cells * channels]."""
        return pool(maps, [self.grid])[0]


def weights_of_channels(weights: np.ndarray, channels: int) -> np.ndarray:
    """The weights that act on a block's channels as `weights` do on its pooled feature.

    Args:
        weights: float32 [features, classes], of a block on the grid of one cell.
        channels: of the block.

    Returns:
        float32 [channels, classes]; the same weights where the channels are not projected.
    """
    return _projection(channels) @ weights if channels > MOST_CHANNELS else weights


def _means(side: int, grid: int) -> np.ndarray:
    """float32 [grid, side]: each row averages the pixels of one cell."""
    found = np.zeros((grid, side), np.float32)
    for cell in range(grid):
        start, end = cell * side // grid, -(-(cell + 1) * side // grid)
        found[cell, start:end] = 1 / (end - start)
    return found


def _projection(channels: int) -> np.ndarray:
    """A random map that nearly keeps distances (Johnson and Lindenstrauss 1984), the same every time.

    float32 [channels, MOST_CHANNELS].
    """
    values = np.random.default_rng(channels).standard_normal((channels, MOST_CHANNELS))
    return (values / np.sqrt(MOST_CHANNELS)).astype(np.float32)
