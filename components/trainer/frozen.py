"""The frozen base with a head that sees several of its blocks: a convex fit, without a learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from scipy.special import log_softmax, softmax

from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.activations.store import Split, Store
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import TEST, TRAIN, VALIDATION
from headstart.components.shared.linear import choice, head
from headstart.components.shared.linear.features import Candidate, candidates, last_block
from headstart.components.trainer.clock import Clock
from headstart.components.trainer.model import join_blocks

# Of the folds and of the sample that the choice is made on. It is the same in every draw, so that draws
# differ by their images alone; the choice's own noise is in no interval.
_SEED = 0


def choose(
    training: Split, classes: int, last: bool = False, fixed: Mapping[str, Any] = MappingProxyType({})
) -> choice.Choice:
    """Choose blocks, grid and penalty by cross-validation on the subset's own images.

    Args:
        training: images of the subset.
        classes: number of classes.
        last: see the last block alone, pooled to one vector; only the penalty is chosen.
        fixed: what a search has fixed: `blocks`, the name of a set of blocks, `grid` and `penalty`, all or
            none of them. With them nothing is chosen.

    Raises:
        HeadstartError: the store lacks the fixed features.
    """
    features = StoredBlocks(training)
    if "blocks" in fixed:
        return choice.Choice(_named(features, fixed), fixed["penalty"], (), None, None, None, 0, 0, 0)
    among = [last_block(features)] if last else None
    rows, groups = np.arange(len(training)), np.array(training.groups)
    return choice.choose(features, training.labels, groups, rows, classes, _SEED, among)


def _named(features: StoredBlocks, fixed: Mapping[str, Any]) -> Candidate:
    """The head of a set of blocks on a grid."""
    found = [one for one in candidates(features) if (one.name, one.grid) == (fixed["blocks"], fixed["grid"])]
    if not found:
        raise HeadstartError(
            f"tuned.yaml fixes the head to the blocks '{fixed['blocks']}' on a grid of {fixed['grid']}, "
            "which the activation store does not hold: run `headstart tune` again, or raise store.budget_gb."
        )
    return found[0]


def fit(training: Split, classes: int, chosen: choice.Choice, balanced: bool = False) -> head.Head:
    """Fit the chosen head on all images of the subset.

    Args:
        training: images of the subset.
        classes: number of classes.
        chosen: blocks, grid and penalty.
        balanced: whether every class weighs the same.
    """
    rows, features = np.arange(len(training)), StoredBlocks(training)
    return head.fit(
        features, training.labels, rows, classes, chosen.candidate, chosen.penalty, balanced=balanced
    )


def choose_towards(splits: dict[str, Split], classes: int, prior: head.Head) -> float:
    """Choose the penalty of a head that is fitted towards another, by the validation split.

    Args:
        splits: train (the subset) and validation.
        classes: number of classes.
        prior: the other head, on these classes.

    Raises:
        HeadstartError: the store lacks features that the other head reads.
    """
    features, validation = StoredBlocks(splits[TRAIN]), StoredBlocks(splits[VALIDATION])
    held = sum(features.width(*part) for part in prior.candidate.parts)
    if prior.candidate.grid not in features.grids or held != len(prior.weights):
        raise HeadstartError(
            f"The champion's head reads a grid of {prior.candidate.grid} of each block, which the activation "
            "store has no room for: raise store.budget_gb, or set base.weights to other weights."
        )
    rows, labels = np.arange(len(features)), splits[VALIDATION].labels
    fitter = head.Fitter(features, splits[TRAIN].labels, rows, classes, prior.candidate, prior)

    def loss(fitted: head.Head) -> float:
        logs = log_softmax(head.logits(fitted, validation, np.arange(len(validation))), axis=1)
        return -float(logs[np.arange(len(labels)), labels].mean())

    return choice.towards(fitter.fit, loss)


def train(
    base: keras.Model | None,
    splits: dict[str, Split],
    store: Store,
    classes: int,
    prior: head.Head | None = None,
    fixed: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[head.Head, tuple[keras.Model | None, None, dict[str, Any], np.ndarray]]:
    """Fit a head on stored features of the frozen base.

    Args:
        base: the pretrained base; None where no model is wanted.
        splits: train (the subset), validation and test, of the store.
        store: the pooled outputs of the base's blocks.
        classes: number of classes.
        prior: a champion's head, on these classes, towards which the new one is fitted; its blocks and grid
            stay. None leaves their choice to cross-validation.
        fixed: what a search has fixed, as `choose` takes it, and `balanced`, whether every class weighs the
            same. A prior goes before it.

    Returns:
        The head; and the classifier (normalised pixels to probabilities; None without a base), None for a
        history, the figures, and the probabilities of the test images, float32 [images, classes].
    """
    choosing, fitting, building = Clock(), Clock(), Clock()
    if prior is None:
        with choosing.running():
            chosen = choose(splits[TRAIN], classes, fixed=fixed)
        with fitting.running():
            fitted = fit(splits[TRAIN], classes, chosen, fixed.get("balanced", False))
        told = about(chosen, fitted)
    else:
        with choosing.running():
            penalty = choose_towards(splits, classes, prior)
        with fitting.running():
            features, labels = StoredBlocks(splits[TRAIN]), splits[TRAIN].labels
            rows = np.arange(len(labels))
            fitted = head.fit(features, labels, rows, classes, prior.candidate, penalty, prior)
        told = _told(fitted, penalty)
    with building.running():
        model = join_blocks(base, fitted.candidate.parts, fitted.weights, fitted.bias) if base else None
    embedded = len(splits[TRAIN]) + len(splits[VALIDATION])
    embed_seconds = store.seconds_per_view * embedded
    seconds = fitting.seconds + embed_seconds
    figures = {
        **judge(fitted, splits),
        **told,
        "convex": True,  # draws differ by their images alone
        "epochs": 0,
        "train_seconds": seconds,
        "seconds_to_best": seconds,
        "tuning_seconds": choosing.seconds,
        "setup_seconds": building.seconds,
        "cpu_seconds": fitting.cpu_seconds + store.cpu_seconds_per_view * embedded,
        "embed_seconds": embed_seconds,
        "store_bytes": store.about["bytes"],
        "unfrozen_blocks": 0,
        "from_pixels": 0,
    }
    return fitted, (model, None, figures, probabilities(fitted, splits[TEST]))


def probabilities(fitted: head.Head, split: Split) -> np.ndarray:
    """Of a split's images, float32 [images, classes]."""
    features = StoredBlocks(split)
    return softmax(head.logits(fitted, features, np.arange(len(split))), axis=1)


def judge(fitted: head.Head, splits: dict[str, Split]) -> dict[str, float]:
    """Accuracy and cross-entropy on the training and the validation images."""
    figures = {}
    for prefix, name in (("train", TRAIN), ("val", VALIDATION)):
        answers, labels = probabilities(fitted, splits[name]), splits[name].labels
        likelihood = answers[np.arange(len(labels)), labels]
        figures[f"{prefix}_accuracy"] = float((answers.argmax(axis=1) == labels).mean())
        figures[f"{prefix}_loss"] = float(-np.log(np.maximum(likelihood, 1e-12)).mean())
    return figures


def about(chosen: choice.Choice, fitted: head.Head) -> dict[str, Any]:
    """What was chosen, for the records; accuracies are cross-validated on the training images."""
    found = {**_told(fitted, chosen.penalty), "head_folds": chosen.folds}
    if chosen.best and chosen.last:
        found["cv_accuracy"] = chosen.best.accuracy
        found["cv_accuracy_last_block"] = chosen.last.accuracy
    return found


def _told(fitted: head.Head, penalty: float) -> dict[str, Any]:
    return {
        "head_blocks": fitted.candidate.name,
        "head_grid": fitted.candidate.grid,
        "head_penalty": penalty,
        "head_features": len(fitted.weights),
    }
