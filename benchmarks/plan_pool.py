"""Are the photos that `headstart plan --pool` names worth more than photos at random?

    python -m benchmarks.plan_pool --clothing FOLDER --weights FILE

Clothing at 96 px: a tenth of the training images are labelled, and the others are the pool, in ten draws;
then the same with a third. 100 photos of the pool are chosen by the advice, and 100 at random. The head is
chosen and fitted on the labelled images with the chosen ones. Gains are paired over the draws. The rule was
chosen by the accuracy on validation images and on photos kept out of the pool; docs/plan.md has the figures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from scipy import stats
from scipy.special import softmax

from benchmarks.plan_backtest import Images, clothing, embed
from headstart.components.shared import subsets
from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.features import TEST, TRAIN, VALIDATION
from headstart.components.shared.linear import choice, head
from headstart.pipeline.forecast import selection

DRAWS = 10
CHOSEN = 100
SHARES = (0.1, 1 / 3)
RULES = ("advice", "random")


def accuracies(images: Images, features: StoredBlocks, rows: np.ndarray) -> dict[str, float]:
    """Of the head that is chosen and fitted on some rows, on the validation and on the test split."""
    groups, classes = np.arange(len(images.labels)), int(images.labels.max()) + 1
    chosen = choice.choose(features, images.labels, groups, rows, classes, 0)
    fitted = head.fit(features, images.labels, rows, classes, chosen.candidate, chosen.penalty)
    found = {}
    for split in (VALIDATION, TEST):
        judged = np.flatnonzero(images.splits == split)
        right = head.logits(fitted, features, judged).argmax(axis=1) == images.labels[judged]
        found[split] = float(right.mean())
    return found


def advised(
    images: Images,
    features: StoredBlocks,
    embeddings: np.ndarray,
    labelled: np.ndarray,
    pool: np.ndarray,
    seed: int,
) -> np.ndarray:
    """Rows of the pool, as `headstart plan --pool` chooses them."""
    groups, classes = np.arange(len(images.labels)), int(images.labels.max()) + 1
    chosen = choice.choose(features, images.labels, groups, labelled, classes, 0)
    fitted = head.fit(features, images.labels, labelled, classes, chosen.candidate, chosen.penalty)
    kept = pool[selection.distinct(embeddings[pool], embeddings[labelled])]
    probabilities = softmax(head.logits(fitted, features, kept), axis=1)
    return kept[selection.select(embeddings[kept], embeddings[labelled], probabilities, CHOSEN, seed).rows]


def compare(images: Images, features: StoredBlocks, embeddings: np.ndarray, share: float) -> None:
    """Print the accuracies of every draw, then the gain on each split with its 95 % interval."""
    every = np.flatnonzero(images.splits == TRAIN)
    found: dict[str, list[dict[str, float]]] = {rule: [] for rule in RULES}
    for draw in range(DRAWS):
        order = subsets.order(((str(row), int(images.labels[row])) for row in every), f"draw {draw}")
        ordered = np.array(sorted(every, key=lambda row: order[str(row)]))
        labelled, pool = np.split(ordered, [round(share * len(every))])
        chosen = {
            "advice": advised(images, features, embeddings, labelled, pool, draw),
            "random": np.random.default_rng(draw).choice(pool, CHOSEN, replace=False),
        }
        for rule, rows in chosen.items():
            found[rule].append(accuracies(images, features, np.sort(np.concatenate([labelled, rows]))))
        told = ", ".join(f"{rule} {100 * found[rule][-1][TEST]:.1f} %" for rule in RULES)
        print(f"{len(labelled):,} labelled, draw {draw + 1}: test accuracy {told}", flush=True)
    for split in (VALIDATION, TEST):
        advice, random = (100 * np.array([one[split] for one in found[rule]]) for rule in RULES)
        gains = advice - random
        half = stats.t.ppf(0.975, DRAWS - 1) * gains.std(ddof=1) / np.sqrt(DRAWS)
        print(
            f"{len(labelled):,} labelled and {CHOSEN} more, {split}: advice {advice.mean():.1f} %, random "
            f"{random.mean():.1f} %, gain {gains.mean():+.1f} points "
            f"(95 % interval {gains.mean() - half:+.1f} to {gains.mean() + half:+.1f})",
            flush=True,
        )


def main(
    folder: Annotated[Path, typer.Option("--clothing", help="train/, validation/, test/")],
    weights: Annotated[Path, typer.Option(help="MobileNetV2 1.0 without its top")],
) -> None:
    """Print the gain of the advice over photos at random."""
    images = clothing(folder)
    base = {"architecture": "MobileNetV2", "image_size": 96, "weights": str(weights), "options": {}}
    features = embed(images, base)
    every = np.arange(len(features))
    embeddings = selection.unit(features._split.embeddings(every, np.zeros_like(every)))
    for share in SHARES:
        compare(images, features, embeddings, share)


if __name__ == "__main__":
    typer.run(main)
