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
class Scores:
    """Cross-validated accuracies of heads on the frozen base, 0…1."""

    best: float  # of the head that was chosen
    last: float  # of the last block alone
    early: float  # of an early block alone
    images: int  # that were held out


@dataclass(frozen=True)
class Facts:
    """What the rule looks at."""

    images: int  # labelled, of the subset
    image_size: int  # pixels a side
    base_size: int  # that the base was trained at
    blocks: int  # of the base
    scores: Scores | None  # None where there are too few images to hold some out


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

    docs/ablation.md has what the whole base, adapting BatchNorm, the rate of a deep base and the steps rest
    on. The rate of a shallow base is the demo's. That a near domain wants fixed statistics and a tenth of
    the rate is an assumption that it has not measured.

    Args:
        facts: of the subset and the base.
        wanted: `unfreeze_depth`, `batchnorm`, `learning_rates`, `steps` of the section `fine_tune`; each may
            be "auto".
    """
    reasons = []
    if wanted["batchnorm"] == "auto":
        why, adapts = _distance(facts)
        reasons.append(why)
    else:
        adapts = wanted["batchnorm"] == "adapting"
    depth = facts.blocks
    if wanted["unfreeze_depth"] != "auto":
        asked = int(wanted["unfreeze_depth"])
        depth = facts.blocks if asked < 0 else min(asked, facts.blocks)
    rate = _SHALLOW if facts.blocks <= _FEW_BLOCKS else _DEEP
    rates = (rate if adapts else rate / _FIXED,)
    if wanted["learning_rates"] != "auto":
        rates = tuple(wanted["learning_rates"])
    steps = steps_for(facts.images) if wanted["steps"] == "auto" else int(wanted["steps"])
    part = "the whole base is" if depth == facts.blocks else f"{depth} of {facts.blocks} blocks are"
    reasons += [
        f"BatchNorm {'adapts' if adapts else 'keeps its statistics'}",
        f"{part} trained",
        f"{steps} steps for {facts.images:,} images at a rate of {' or '.join(f'{one:g}' for one in rates)}",
    ]
    return Recipe(depth, adapts, rates, steps, tuple(reasons))


def _distance(facts: Facts) -> tuple[str, bool]:
    """How far the images are from the base's own, in words, and whether that is far."""
    if facts.image_size < _FAR * facts.base_size:
        return f"{facts.image_size} px is far from the base's {facts.base_size} px", True
    if facts.scores is None:
        return "too few images to compare the blocks", True
    scores = facts.scores
    if scores.early > scores.last:
        return "an early block tells the classes apart better than the last: a far domain", True
    gain = scores.best - scores.last
    if gain > math.sqrt(scores.best * (1 - scores.best) / scores.images):  # a standard error
        several = f"a head that sees several blocks is {100 * gain:.1f} points better than one on the last"
        return f"{several}: a far domain", True
    return "no head is clearly better than one on the last block: a near domain", False
