"""What the stores keep, decided before anything runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import keras

from headstart.components.shared.activations.shards import images_of
from headstart.components.shared.base.cuts import blocks, cut, depth_of
from headstart.components.shared.base.pooling import features
from headstart.components.shared.features import TRAIN

_FLOAT16, _FLOAT32 = 2, 4  # bytes


@dataclass(frozen=True)
class Pooled:
    """The store of the blocks' outputs, for heads on the frozen base."""

    grids: tuple[int, ...]
    bytes: int
    chunk: int  # images of a shard
    note: str  # which grids are left out and why, or empty


@dataclass(frozen=True)
class Cut:
    """The store of activations at a cut, for the blocks above it."""

    depth: int  # blocks above the cut; 0: embeddings alone
    views: int  # of a training image, itself included
    bytes: int
    chunk: int  # images of a shard
    pixels: str  # why training above the cut has to start from the images, or empty
    note: str  # that views are left out and why, or empty


def plan_pooled(base: keras.Model, images: int, grids: Sequence[int], budget: float) -> Pooled:
    """Take the finest grids that fit into the budget; the mean of each block is always stored.

    Args:
        base: the base.
        images: of all splits.
        grids: wanted, increasing; empty stores the embeddings alone.
        budget: most bytes that the store may take.
    """
    kept = list(grids)
    while len(kept) > 1 and images * _pooled(base, kept) > budget:
        kept.pop()
    note = ""
    if len(kept) < len(grids):
        left_out = ", ".join(f"{grid} x {grid}" for grid in grids[len(kept) :])
        note = (
            f"the store of the blocks' outputs would take {_gb(images * _pooled(base, grids))}, more than "
            f"store.budget_gb allows ({_gb(budget)}): the grids {left_out} are left out"
        )
    size = _pooled(base, kept)
    return Pooled(tuple(kept), images * size, _chunk(base, size), note)


def plan_cut(
    base: keras.Model, images: dict[str, int], unfreeze_depth: int, views: int | str, budget: float
) -> Cut:
    """Decide the cut and the views.

    Args:
        base: the base.
        images: number of images by split.
        unfreeze_depth: blocks to be trained, from the top; -1 is all.
        views: varied copies of each training image; "online" makes them from the pixels instead.
        budget: most bytes that the store may take. Over it the views go first.
    """
    depth = depth_of(base, unfreeze_depth)
    activation = math.prod(cut(base, depth).shape[1:]) * _FLOAT16 if depth else 0
    embedding = base.output_shape[-1] * _FLOAT32

    def rows(copies: int) -> int:
        return sum(count * (copies if split == TRAIN else 1) for split, count in images.items())

    copies = 1 if views == "online" else 1 + int(views)
    over = f"more than store.budget_gb allows ({_gb(budget)})"
    note = pixels = ""
    if copies > 1 and rows(copies) * (embedding + activation) > budget:
        note = (
            f"the store of activations would take {_gb(rows(copies) * (embedding + activation))}, {over}: "
            "it holds no varied copies of the images"
        )
        copies = 1
    if views == "online":
        pixels = "augment.views is online"
    elif depth == len(blocks(base)):
        pixels = "the whole base is unfrozen"
    elif depth and rows(copies) * (embedding + activation) > budget:
        pixels = f"the store of activations would take {_gb(rows(copies) * (embedding + activation))}, {over}"
    if pixels:
        depth, activation = 0, 0
    size = embedding + activation
    return Cut(depth, copies, rows(copies) * size, _chunk(base, copies * size), pixels, note)


def _pooled(base: keras.Model, grids: Sequence[int]) -> int:
    """Bytes of one image."""
    return sum(features(base, grids).values()) * _FLOAT16 + base.output_shape[-1] * _FLOAT32


def _chunk(base: keras.Model, size: int) -> int:
    """Images of a shard; `size` is what one becomes, bytes."""
    return images_of(math.prod(base.input_shape[1:]) + size)


def _gb(size: float) -> str:
    return f"{size / 1e9:.3g} GB"
