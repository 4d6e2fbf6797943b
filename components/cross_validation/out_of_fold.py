"""Out-of-fold predictions: each fold's images by a head that was chosen and fitted without them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from headstart.components.shared.linear import choice, gram, logistic
from headstart.components.shared.linear.features import Candidate, Features
from headstart.components.shared.linear.folds import Folds

UNSEEN = -1

# A fold's choice is made on so many images: half of what a cell looks at, for a quarter of its seconds.
_CHOSEN_ON = 500

_TOLERANCE = 3e-3  # as in choice: an excess loss of 5e-6 nats an image


@dataclass(frozen=True)
class OutOfFold:
    """What the heads of all folds predict."""

    fold: np.ndarray  # int64 [images]: the fold that held the image out, from 0; -1 where none did
    probabilities: np.ndarray  # float32 [images, classes]; NaN where no fold held the image out
    training_accuracy: np.ndarray  # float64 [folds]: of each head, on the images that it was fitted on
    heads: tuple[tuple[Candidate, float], ...] = ()  # of each round of folds: blocks with grid, and penalty


def predict(
    features: Features,
    labels: np.ndarray,
    groups: np.ndarray,
    folds: Folds,
    classes: int,
    seed: int,
    heads: Sequence[tuple[Candidate, float]] = (),
    balanced: bool = False,
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
        heads: those of another base of this architecture, to be fitted here; empty chooses.
        balanced: whether every class counts the same.
    """
    every = np.arange(len(labels))
    fold = np.full(len(labels), UNSEEN, np.int64)
    probabilities = np.full((len(labels), classes), np.nan, np.float32)
    training_accuracy = np.full(len(folds.training), np.nan)
    used = list(heads)
    for place, numbers in enumerate(_rounds(folds)):
        common = folds.training[numbers].all(axis=0)
        if place >= len(used):
            rows = np.flatnonzero(common)
            chosen = choice.choose(features, labels, groups, rows, classes, seed, None, balanced, _CHOSEN_ON)
            used.append((chosen.candidate, chosen.penalty))
        candidate, penalty = used[place]
        ((_, matrices),) = gram.grams(features, [candidate], every, common[None])
        for number in numbers:
            training, held_out = folds.training[number], folds.held_out[number]
            lower = gram.basis(matrices[0][np.ix_(training, training)])
            inputs = logistic.LowerTriangle(lower)
            own = labels[training]
            weights = logistic.balanced(own) if balanced else None
            model = logistic.fit(inputs, own, classes, penalty, tolerance=_TOLERANCE, weights=weights)
            others = gram.coordinates(lower, matrices[0][np.ix_(held_out, training)])
            probabilities[held_out] = np.exp(model.log_probabilities(others))
            known = model.log_probabilities(lower).argmax(axis=1)
            training_accuracy[number] = (known == own).mean()
            fold[held_out] = number
    return OutOfFold(fold, probabilities, training_accuracy, tuple(used))


def _rounds(folds: Folds) -> list[np.ndarray]:
    """Which folds share a choice and a standardising, made on the images that all of them train on.

    Two rounds do where that leaves as many images as a choice looks at.
    """
    numbers = np.arange(len(folds.training))
    halves = [half for half in np.array_split(numbers, 2) if len(half)]
    if all(folds.training[half].all(axis=0).sum() >= _CHOSEN_ON for half in halves):
        return halves
    return np.array_split(numbers, len(numbers))
