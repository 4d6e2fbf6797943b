"""What the store keeps, decided before anything runs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras

from components.base.cuts import blocks, cut, depth_of
from components.features import TRAIN

_FLOAT16, _FLOAT32 = 2, 4  # bytes


@dataclass(frozen=True)
class Plan:
    """What to store; `pixels` is why fine-tuning has to start from the images, or empty."""

    depth: int  # blocks above the cut; 0: embeddings alone
    views: int  # of a training image, itself included
    bytes: int  # of the whole store
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
    embeddings = rows * base.output_shape[-1] * _FLOAT32
    activations = rows * math.prod(cut(base, depth).shape[1:]) * _FLOAT16
    if views == "online":
        pixels = "augment.views is online"
    elif depth == len(blocks(base)):
        pixels = "fine_tune.unfreeze_depth is the whole base"
    elif depth and embeddings + activations > budget:
        wanted = _gb(embeddings + activations)
        pixels = f"the activations would take {wanted}, more than store.budget_gb allows ({_gb(budget)})"
    else:
        return Plan(depth, copies, embeddings + (activations if depth else 0), "")
    return Plan(0, copies, embeddings, pixels)


def _gb(size: float) -> str:
    return f"{size / 1e9:.3g} GB"
