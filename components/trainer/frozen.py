"""The frozen base with a head that sees several of its blocks: a convex fit, without a learning rate."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from scipy.special import softmax

from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.activations.store import Split, Store
from headstart.components.shared.features import TEST, TRAIN, VALIDATION
from headstart.components.shared.linear import choice, head
from headstart.components.shared.linear.features import last_block
from headstart.components.trainer.clock import Clock
from headstart.components.trainer.model import join_blocks

# Of the folds and of the sample that the choice is made on. It is the same in every draw, so that draws
# differ by their images alone; the choice's own noise is in no interval.
_SEED = 0


def choose(training: Split, classes: int, last: bool = False) -> choice.Choice:
    """Choose blocks, grid and penalty by cross-validation on the subset's own images.

    Args:
        training: images of the subset.
        classes: number of classes.
        last: see the last block alone, pooled to one vector; only the penalty is chosen.
    """
    features = StoredBlocks(training)
    among = [last_block(features)] if last else None
    rows, groups = np.arange(len(training)), np.array(training.groups)
    return choice.choose(features, training.labels, groups, rows, classes, _SEED, among)


def fit(training: Split, classes: int, chosen: choice.Choice) -> head.Head:
    """Fit the chosen head on all images of the subset."""
    rows = np.arange(len(training))
    features = StoredBlocks(training)
    return head.fit(features, training.labels, rows, classes, chosen.candidate, chosen.penalty)


def train(
    base: keras.Model | None, splits: dict[str, Split], store: Store, classes: int
) -> tuple[keras.Model | None, None, dict[str, Any], np.ndarray]:
    """Fit a head on stored features of the frozen base.

    Args:
        base: the pretrained base; None where no model is wanted.
        splits: train (the subset), validation and test, of the store.
        store: the pooled outputs of the base's blocks.
        classes: number of classes.

    Returns:
        The classifier (normalised pixels to probabilities; None without a base), None for a history, the
        figures, and the probabilities of the test images, float32 [images, classes].
    """
    choosing, fitting, building = Clock(), Clock(), Clock()
    with choosing.running():
        chosen = choose(splits[TRAIN], classes)
    with fitting.running():
        fitted = fit(splits[TRAIN], classes, chosen)
    with building.running():
        model = join_blocks(base, fitted.candidate.parts, fitted.weights, fitted.bias) if base else None
    embedded = len(splits[TRAIN]) + len(splits[VALIDATION])
    embed_seconds = store.seconds_per_view * embedded
    seconds = fitting.seconds + embed_seconds
    figures = {
        **judge(fitted, splits),
        **about(chosen, fitted),
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
    return model, None, figures, probabilities(fitted, splits[TEST])


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
    found = {
        "head_blocks": chosen.candidate.name,
        "head_grid": chosen.candidate.grid,
        "head_penalty": chosen.penalty,
        "head_features": len(fitted.weights),
        "head_folds": chosen.folds,
    }
    if chosen.best and chosen.last:
        found["cv_accuracy"] = chosen.best.accuracy
        found["cv_accuracy_last_block"] = chosen.last.accuracy
    return found
