"""What a search maximises: a score of out-of-fold predictions, fold by fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

UNKNOWN = -1  # the prediction of an image that no trained fold held out


def accuracy(confusion: np.ndarray) -> float:
    """Share of the images that are right."""
    return float(np.trace(confusion) / confusion.sum())


def macro_f1(confusion: np.ndarray) -> float:
    """Mean F1 of the classes that have images."""
    right, actual = np.diag(confusion), confusion.sum(axis=1)
    found = actual > 0
    return float((2 * right / np.maximum(actual + confusion.sum(axis=0), 1e-12))[found].mean())


def worst_recall(confusion: np.ndarray) -> float:
    """Lowest recall of the classes that have images."""
    actual = confusion.sum(axis=1)
    found = actual > 0
    return float((np.diag(confusion)[found] / actual[found]).min())


OBJECTIVES: dict[str, Callable[[np.ndarray], float]] = {
    "accuracy": accuracy,
    "macro_f1": macro_f1,
    "worst_recall": worst_recall,
}


@dataclass(frozen=True)
class Images:
    """What the predictions are of."""

    labels: np.ndarray  # int64 [images]
    groups: np.ndarray  # int64 [images], from 0: images of one group are resampled together
    held_out: np.ndarray  # bool [folds, images]
    classes: int


def by_fold(
    predicted: np.ndarray, images: Images, objective: str, weights: np.ndarray | None = None
) -> np.ndarray:
    """The score of each candidate on each fold.

    Args:
        predicted: int [candidates, images]: out-of-fold predictions, or `UNKNOWN`.
        images: what they are of.
        objective: a key of `OBJECTIVES`.
        weights: float [images]: how often each image counts; None counts each once.

    Returns:
        float64 [candidates, folds]; NaN where a candidate has not predicted a fold, or no image counts.
    """
    score, classes = OBJECTIVES[objective], images.classes
    found = np.full((len(predicted), len(images.held_out)), np.nan)
    for fold, out in enumerate(images.held_out):
        at = np.flatnonzero(out if weights is None else out & (weights > 0))
        if not len(at):
            continue
        counted = None if weights is None else weights[at]
        for number, answers in enumerate(predicted[:, at]):
            if (answers == UNKNOWN).any():
                continue
            pairs = images.labels[at] * classes + answers
            confusion = np.bincount(pairs, counted, classes**2).reshape(classes, classes)
            found[number, fold] = score(confusion)
    return found
