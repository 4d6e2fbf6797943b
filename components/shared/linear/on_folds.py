"""Heads of one candidate on folds: fitted on what a fold trains on, judged on what it holds out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.components.shared.linear import gram, logistic
from headstart.components.shared.linear.folds import Folds

TOLERANCE = 3e-3  # an excess loss of 5e-6 nats an image; two candidates differ by a hundred times that


@dataclass(frozen=True)
class OutOfFold:
    """What the heads of all folds say."""

    log_probabilities: np.ndarray  # float32 [images, classes]; NaN where no fold holds the image out
    train_accuracy: tuple[float, ...]  # of each fold, on the images that it trains on


class OnFolds:
    """A candidate on the folds. Every fit after the first one starts from the models of the first."""

    def __init__(self, matrices: np.ndarray, labels: np.ndarray, folds: Folds, classes: int):
        """Rotate each fold's rows into as many coordinates as there are images.

        Args:
            matrices: float32 [folds, images, images]: Gram matrices, standardised inside each fold.
            labels: int [images].
            folds: which images each fold trains on and holds out.
            classes: number of classes.
        """
        self._labels, self._folds, self._classes = labels, folds, classes
        self._bases, self._others = [], []
        for matrix, training, out in zip(matrices, folds.training, folds.held_out):
            lower = gram.basis(matrix[np.ix_(training, training)])
            self._bases.append(lower)
            self._others.append(gram.coordinates(lower, matrix[np.ix_(out, training)]))
        self._models: list[logistic.Model | None] = [None] * len(self._bases)

    @property
    def bytes(self) -> int:
        """What this takes in memory."""
        return sum(values.nbytes for values in (*self._bases, *self._others))

    def fit(self, penalty: float, balanced: bool = False, tolerance: float = TOLERANCE) -> OutOfFold:
        """Fit a head on every fold.

        Args:
            penalty: scikit-learn's C, for rows of mean squared length 1.
            balanced: whether every class weighs the same.
            tolerance: see `logistic.fit`.
        """
        answers = np.full((len(self._labels), self._classes), np.nan, np.float32)
        right = []
        for fold, lower in enumerate(self._bases):
            own = self._labels[self._folds.training[fold]]
            model = logistic.fit(
                logistic.LowerTriangle(lower),
                own,
                self._classes,
                penalty,
                self._models[fold],
                tolerance,
                weights=logistic.balanced(own) if balanced else None,
            )
            self._models[fold] = self._models[fold] or model
            answers[self._folds.held_out[fold]] = model.log_probabilities(self._others[fold])
            right.append(float((model.log_probabilities(lower).argmax(axis=1) == own).mean()))
        return OutOfFold(answers, tuple(right))
