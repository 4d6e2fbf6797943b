"""What the store keeps, decided before anything runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras

from components.base.cuts import blocks, cut, depth_of
from components.features import TRAIN

_FLOAT16, _FLOAT32 = 2, 4  # bytes
_SHARD = 32 << 20  # bytes, about, of a shard's images and of what they become


@dataclass(frozen=True)
class Plan:
    """What to store; `pixels` is why fine-tuning has to start from the images, or empty."""

    depth: int  # blocks above the cut; 0: embeddings alone
    views: int  # of a training image, itself included
    bytes: int  # of the whole store
    chunk: int  # images of a shard
    pixels: str


def plan(
    base: keras.Model, images: dict[str, int], unfreeze_depth: int, views: int | str, budget: float
) -> Plan:
    """Decide the cut and the views.

    Args:
        base: the base.
        images: number of images by split.
        unfreeze_depth: blocks to be trained, from the top; -1 is all.
        views: varied copies of each training image; "online" makes them from the pixels instead.
        budget: most bytes that the store may take.
    """
    depth = depth_of(base, unfreeze_depth)
    copies = 1 if views == "online" else 1 + int(views)
    rows = images[TRAIN] * copies + sum(count for split, count in images.items() if split != TRAIN)
    embedding = base.output_shape[-1] * _FLOAT32
    activation = math.prod(cut(base, depth).shape[1:]) * _FLOAT16 if depth else 0
    total = rows * (embedding + activation)
    pixels = ""
    if views == "online":
        pixels = "augment.views is online"
    elif depth == len(blocks(base)):
        pixels = "fine_tune.unfreeze_depth is the whole base"
    elif depth and total > budget:
        pixels = f"the store would take {_gb(total)}, more than store.budget_gb allows ({_gb(budget)})"
    if pixels:
        depth, activation = 0, 0
    image = math.prod(base.input_shape[1:]) + copies * (embedding + activation)
    chunk = max(1, min(1024, _SHARD // image))
    chunk -= chunk % 64 if chunk > 64 else 0  # whole batches
    return Plan(depth, copies, rows * (embedding + activation), chunk, pixels)


def _gb(size: float) -> str:
    return f"{size / 1e9:.3g} GB"
