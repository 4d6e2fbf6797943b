"""Out-of-fold predictions: each fold's images by a head that was chosen and fitted without them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from headstart.components.shared.linear import choice, head
from headstart.components.shared.linear.features import Features
from headstart.components.shared.linear.folds import Folds

UNSEEN = -1


@dataclass(frozen=True)
class OutOfFold:
    """What the heads of all folds predict."""

    fold: np.ndarray  # int64 [images]: the fold that held the image out, from 0; -1 where none did
    probabilities: np.ndarray  # float32 [images, classes]; NaN where no fold held the image out
    training_accuracy: np.ndarray  # float64 [folds]: of each head, on the images that it was fitted on


def predict(
    features: Features, labels: np.ndarray, groups: np.ndarray, folds: Folds, classes: int, seed: int
) -> OutOfFold:
    """Cross-validate the strategy frozen, the choice of blocks, grid and penalty included.

    Each fold chooses among its own training images by an inner cross-validation, standardises on them, and
    fits on them, as the strategy does on a subset. So nothing of an image reaches the head that predicts it
    (nested cross-validation; Varma and Simon 2006, doi:10.1186/1471-2105-7-91).

    Args:
        features: of all images.
        labels: int [images].
        groups: str or int [images]: images of one group stay together in the inner folds.
        folds: no image is held out twice.
        classes: number of classes.
        seed: of the inner sample and folds.
    """
    fold = np.full(len(labels), UNSEEN, np.int64)
    probabilities = np.full((len(labels), classes), np.nan, np.float32)
    training_accuracy = []
    for number, (training, held_out) in enumerate(zip(folds.training, folds.held_out)):
        rows, others = np.flatnonzero(training), np.flatnonzero(held_out)
        chosen = choice.choose(features, labels, groups, rows, classes, seed)
        fitted = head.fit(features, labels, rows, classes, chosen.candidate, chosen.penalty)
        known = head.logits(fitted, features, rows).argmax(axis=1)
        training_accuracy.append(float((known == labels[rows]).mean()))
        probabilities[others] = softmax(head.logits(fitted, features, others), axis=1)
        fold[others] = number
    return OutOfFold(fold, probabilities, np.array(training_accuracy))
