"""What a linear head is fitted on: the outputs of a base's blocks, each pooled to a grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Part = tuple[int, int]  # a block and a grid


class Features(Protocol):
    """The stored features of some images."""

    @property
    def blocks(self) -> int:
        """Number of blocks of the base; block 0 is the lowest, block `blocks - 1` the last."""
        ...

    @property
    def grids(self) -> tuple[int, ...]:
        """The grids that are stored, ascending; grid g pools a block's map to at most g × g cells."""
        ...

    def __len__(self) -> int:
        """Number of images."""
        ...

    def width(self, block: int, grid: int) -> int:
        """Number of features of a block on a grid: cells × channels."""
        ...

    def take(self, block: int, grid: int, rows: np.ndarray) -> np.ndarray:
        """The features of some images.

        Args:
            block: from 0.
            grid: one of `grids`.
            rows: int64 [rows]: which images, in any order.

        Returns:
            float16 or float32 [rows, width], each row flattened as [grid row, grid column, channel]. A map
            that has fewer cells than the grid is returned whole, so two grids may give the same features.
        """
        ...


class InMemory:
    """Features that are arrays already."""

    def __init__(self, arrays: Mapping[Part, np.ndarray]):
        """Keep the arrays.

        Args:
            arrays: by block and grid, float16 or float32 [images, width]; every block has every grid.
        """
        self._arrays = arrays
        self.blocks = 1 + max(block for block, _ in arrays)
        self.grids = tuple(sorted({grid for _, grid in arrays}))

    def __len__(self) -> int:
        return len(next(iter(self._arrays.values())))

    def width(self, block: int, grid: int) -> int:
        """Number of columns of the array."""
        return self._arrays[block, grid].shape[1]

    def take(self, block: int, grid: int, rows: np.ndarray) -> np.ndarray:
        """Some rows of the array."""
        return self._arrays[block, grid][rows]


@dataclass(frozen=True)
class Candidate:
    """A set of blocks on one grid: what the choice chooses between."""

    name: str  # of the set of blocks
    blocks: tuple[int, ...]  # ascending
    grid: int

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its blocks, each with the grid."""
        return tuple((block, self.grid) for block in self.blocks)


def block_sets(blocks: int) -> dict[str, tuple[int, ...]]:
    """The sets of blocks that a head may see, from the smallest; sets that coincide appear once.

    Args:
        blocks: number of blocks of the base.

    Returns:
        Ascending block numbers by name.
    """
    starts = {
        "last": blocks - 1,
        "top four": max(0, blocks - 4),
        "upper half": blocks // 2,
        "all": 0,
    }
    sets: dict[str, tuple[int, ...]] = {}
    for name, start in sorted(starts.items(), key=lambda item: -item[1]):
        chosen = tuple(range(start, blocks))
        if chosen not in sets.values():
            sets[name] = chosen
    return sets


def candidates(features: Features) -> list[Candidate]:
    """Every set of blocks on every grid; of those with the same features only the coarsest grid."""
    return [
        Candidate(name, chosen, grid)
        for name, chosen in block_sets(features.blocks).items()
        for coarser, grid in zip((None, *features.grids), features.grids)
        if coarser is None or any(features.width(b, grid) != features.width(b, coarser) for b in chosen)
    ]


def early_block(features: Features) -> Candidate:
    """A block a quarter of the way up on the finest grid: where it does best, the base's task is far."""
    return Candidate("early", (features.blocks // 4,), features.grids[-1])


def last_block(features: Features) -> Candidate:
    """The last block pooled to one vector: what a logistic regression on embeddings sees."""
    return Candidate("last", (features.blocks - 1,), features.grids[0])
