"""The head itself: fitted on all training images, scaling and weights folded into one dense layer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

from headstart.components.shared.linear import gram, logistic, streamed
from headstart.components.shared.linear.features import Candidate, Features

# The row space takes about five float32 matrices of rows × rows: 2 GB at this number of rows.
ROW_SPACE = 10_000


@dataclass(frozen=True)
class Head:
    """A dense layer on the features of some blocks, joined in ascending order."""

    candidate: Candidate
    weights: np.ndarray  # float32 [features, classes]
    bias: np.ndarray  # float32 [classes]


class Fitter:
    """Fits heads on the same images with several penalties; what they share is computed once."""

    def __init__(
        self,
        features: Features,
        labels: np.ndarray,
        rows: np.ndarray,
        classes: int,
        candidate: Candidate,
        prior: Head | None = None,
        balanced: bool = False,
    ):
        """Standardise the features of the images.

        Args:
            features: of all images.
            labels: int [images]: classes of all images; only those of `rows` are used.
            rows: int64 [training images].
            classes: number of classes.
            candidate: blocks and grid.
            prior: a head on the same blocks and grid, for the same classes: the penalty is then on the
                weights' difference from its own, the biased regularisation of Li et al. (2018, 1802.01483).
            balanced: every class counts the same, however many images it has: `logistic.balanced`.
        """
        self._rows = streamed.Standardised(features, candidate, rows)
        self._targets = labels[rows]
        self._classes = classes
        self._candidate = candidate
        self._prior = prior
        self._offset = None if prior is None else logits(prior, features, rows)
        self._weights = logistic.balanced(self._targets) if balanced else None

    def fit(self, penalty: float) -> Head:
        """Fit a head.

        Args:
            penalty: C for rows of mean squared length 1, as `choice.Choice` has it.
        """
        rows = self._rows
        if len(rows) > ROW_SPACE:
            model = streamed.fit(rows, self._targets, self._classes, penalty, self._offset, self._weights)
        elif rows.width < len(rows):
            model = self._fit(logistic.Dense(self._inputs), penalty)
        else:
            model = self._fit_in_row_space(penalty)
        weights = model.weights * rows.factor[:, None]
        bias = model.bias - rows.mean.astype(np.float64) @ weights
        if self._prior is not None:
            weights, bias = weights + self._prior.weights, bias + self._prior.bias
        return Head(self._candidate, weights, bias.astype(np.float32))

    @cached_property
    def _inputs(self) -> np.ndarray:
        return np.concatenate(list(self._rows.chunks()))

    @cached_property
    def _basis(self) -> np.ndarray:
        return gram.basis(self._rows.gram())

    def _fit(self, rows: logistic.Rows, penalty: float) -> logistic.Model:
        return logistic.fit(
            rows, self._targets, self._classes, penalty, offset=self._offset, weights=self._weights
        )

    def _fit_in_row_space(self, penalty: float) -> logistic.Model:
        """The same minimum as on the features, found in as many coordinates as there are rows."""
        lower = self._basis
        model = self._fit(logistic.LowerTriangle(lower), penalty)
        # A feature's direction in the basis is a column of L⁻¹ A: its weights are Aᵀ L⁻ᵀ times those found.
        dual = linalg.solve_triangular(lower, model.weights, lower=True, trans=1, check_finite=False)
        weights, at = np.zeros((self._rows.width, self._classes), np.float32), 0
        for chunk in self._rows.chunks():
            weights += chunk.T @ dual[at : at + len(chunk)]
            at += len(chunk)
        return logistic.Model(weights, model.bias)


def fit(
    features: Features,
    labels: np.ndarray,
    rows: np.ndarray,
    classes: int,
    candidate: Candidate,
    penalty: float,
    prior: Head | None = None,
    balanced: bool = False,
) -> Head:
    """Fit a head on some images with one penalty: see `Fitter`."""
    return Fitter(features, labels, rows, classes, candidate, prior, balanced).fit(penalty)


def logits(head: Head, features: Features, rows: np.ndarray) -> np.ndarray:
    """Of some images, float32 [rows, classes]."""
    read = streamed.read(features, head.candidate, rows)
    return np.concatenate([values @ head.weights + head.bias for values in read])
