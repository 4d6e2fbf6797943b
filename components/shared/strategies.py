"""The strategies, each with all that the rest of the product has to know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Strategy:
    """A way to train one cell."""

    name: str
    # transfer and baseline are rated; simple is what people would do instead; a control only explains, and is
    # never promoted
    role: Literal["transfer", "baseline", "simple", "control"]
    sections: tuple[str, ...]  # of params.yaml: a change of another section does not train its cells again
    store: Literal["base", "random", "cut", "none"]  # what it reads: the cut is below the blocks it trains
    cost: Literal["head", "dense", "network"]  # a convex fit; a dense head, blocks above the cut; all of it
    legend: str
    sentence: str  # its name within a sentence
    colour: tuple[str, str]  # in a light and in a dark page; all light ones differ
    marker: str  # as matplotlib names it
    random_weights: bool = False  # its base has no pretrained weights
    all_images_only: bool = False  # it trains on the largest subset alone


# In the order in which they run: what takes seconds comes first, so that its result is there soon. Of two
# with the same validation accuracy and loss, the earlier one is preferred.
STRATEGIES = (
    Strategy(
        name="frozen",
        role="transfer",
        sections=("head",),
        store="base",
        cost="head",
        legend="frozen",
        sentence="the frozen base",
        colour=("#009a70", "#35cb9f"),
        marker="^",
    ),
    Strategy(
        name="random_blocks",
        role="control",
        sections=(),
        store="random",
        cost="head",
        legend="head on blocks, random base",
        sentence="the head that sees the blocks, on a random base",
        colour=("#6f7d55", "#a9b98a"),
        marker="3",
        random_weights=True,
    ),
    Strategy(
        name="textbook",
        role="simple",
        sections=("head", "augment", "frozen", "textbook"),
        store="cut",
        cost="dense",
        legend="textbook",
        sentence="the textbook recipe",
        colour=("#8a5fc7", "#b999ea"),
        marker="P",
    ),
    Strategy(
        name="gradual",
        role="transfer",
        sections=("head", "augment", "frozen", "gradual"),
        store="cut",
        cost="dense",
        legend="gradual",
        sentence="gradual unfreezing",
        colour=("#b4578f", "#e59bc6"),
        marker="D",
    ),
    Strategy(
        name="fine_tune",
        role="transfer",
        sections=("augment", "fine_tune"),
        store="base",
        cost="network",
        legend="fine-tune",
        sentence="fine-tuning",
        colour=("#0072b2", "#4fa8ec"),
        marker="o",
    ),
    Strategy(
        name="scratch",
        role="baseline",
        sections=("augment", "scratch"),
        store="none",
        cost="network",
        legend="scratch",
        sentence="scratch",
        colour=("#d55e00", "#ff8b45"),
        marker="s",
        random_weights=True,
    ),
    Strategy(
        name="scratch_blocks",
        role="control",
        sections=("augment", "scratch"),
        store="none",
        cost="network",
        legend="scratch, head on blocks",
        sentence="scratch with the head that sees the blocks",
        colour=("#b0413e", "#e88682"),
        marker="X",
        random_weights=True,
        all_images_only=True,
    ),
)
BY_NAME = {strategy.name: strategy for strategy in STRATEGIES}


def names(role: str = "") -> tuple[str, ...]:
    """Names of all strategies, or of those with a role, in their order."""
    return tuple(one.name for one in STRATEGIES if role in ("", one.role))
