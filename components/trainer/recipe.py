"""How the base is fine-tuned when nobody says: depth, BatchNorm, rate and steps follow the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

_FAR = 0.7  # of the base's own image size, below which its statistics no longer fit
_FEW_BLOCKS = 8  # a base of no more blocks bears a higher learning rate
_SHALLOW, _DEEP = 0.1, 0.03  # learning rates, where BatchNorm adapts
_FIXED = 10  # with fixed statistics a tenth of it: at more, a training may end at chance


@dataclass(frozen=True)
class Facts:
    """What the rule looks at."""

    images: int  # labelled, of the subset
    classes: int
    image_size: int  # pixels a side
    base_size: int  # that the base was trained at
    blocks: int  # of the base
    last_score: float  # cross-validated accuracy of a head on the last block alone
    best_score: float  # of the best head that sees several blocks


@dataclass(frozen=True)
class Recipe:
    """What trains, how, and why."""

    depth: int  # blocks that train, from the top
    adapts: bool  # whether their BatchNorm statistics follow the new images
    rates: tuple[float, ...]  # highest learning rates to choose from
    steps: int
    reasons: tuple[str, ...]


def steps_for(images: int) -> int:
    """Steps of a fine-tune: 400, and by half more for ten times as many images as 150.

    BiT's HyperRule (arXiv:1912.11370) has the same shape.
    """
    return round(400 * 1.5 ** max(0.0, math.log10(images / 150)))


def recipe_for(facts: Facts, wanted: dict[str, Any]) -> Recipe:
    """Defaults that follow the data; what `wanted` names is taken as it stands.

    What the rules rest on is in docs/results.md.

    Args:
        facts: of the subset and the base.
        wanted: `unfreeze_depth`, `batchnorm`, `learning_rates`, `steps` of the section `fine_tune`; each may
            be "auto".
    """
    far_size = facts.image_size < _FAR * facts.base_size
    gain = 100 * (facts.best_score - facts.last_score)
    depth, adapts = facts.blocks, far_size or gain > 0
    if far_size:
        why = f"{facts.image_size} px is far from the base's {facts.base_size} px"
    elif adapts:
        why = (
            f"a head that sees several blocks is {gain:.1f} points better than one on the last: a far domain"
        )
    else:
        why = "the images have the base's size, and a head on the last block is the best: a near domain"
    if wanted["unfreeze_depth"] != "auto":
        asked = int(wanted["unfreeze_depth"])
        depth = facts.blocks if asked < 0 else min(asked, facts.blocks)
    if wanted["batchnorm"] != "auto":
        adapts = wanted["batchnorm"] == "adapting"
    rate = _SHALLOW if facts.blocks <= _FEW_BLOCKS else _DEEP
    rates = (rate if adapts else rate / _FIXED,)
    if wanted["learning_rates"] != "auto":
        rates = tuple(wanted["learning_rates"])
    steps = steps_for(facts.images) if wanted["steps"] == "auto" else int(wanted["steps"])
    part = "the whole base is" if depth == facts.blocks else f"{depth} of {facts.blocks} blocks are"
    reasons = (
        why,
        f"BatchNorm {'adapts' if adapts else 'keeps its statistics'}",
        f"{part} trained",
        f"{steps} steps for {facts.images:,} images at a rate of {' or '.join(f'{one:g}' for one in rates)}",
    )
    return Recipe(depth, adapts, rates, steps, reasons)
