"""The stored outputs of a base's blocks, as the head that sees them reads them."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from headstart.components.shared.activations.store import Split


class StoredBlocks:
    """`components.shared.linear.features.Features` of one split of a store, or of a subset of it."""

    def __init__(self, split: Split):
        """Read from a split whose store holds pooled blocks."""
        self._split = split

    def __len__(self) -> int:
        """Number of images."""
        return len(self._split)

    @cached_property
    def blocks(self) -> int:
        """Number of blocks of the base; they are numbered from 0, at its input."""
        return 1 + max(block for block, _ in self._split.pooled)

    @cached_property
    def grids(self) -> tuple[int, ...]:
        """Grids that are stored, increasing."""
        return tuple(sorted({grid for _, grid in self._split.pooled}))

    def grid(self, block: int, grid: int) -> int:
        """The grid that is stored of a block: the finest one where its map has fewer cells than asked for."""
        return max(one for number, one in self._split.pooled if number == block and one <= grid)

    def width(self, block: int, grid: int) -> int:
        """Number of features of a block on a grid."""
        return self._split.pooled[block, self.grid(block, grid)]

    def take(self, block: int, grid: int, rows: np.ndarray) -> np.ndarray:
        """Features of some images, float16 [rows, width]."""
        return self._split.block((block, self.grid(block, grid)), rows)
