"""The head itself: fitted on all training images, scaling and weights folded into one dense layer."""

from __future__ import annotations

from dataclasses import dataclass

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


def fit(
    features: Features,
    labels: np.ndarray,
    rows: np.ndarray,
    classes: int,
    candidate: Candidate,
    penalty: float,
    prior: Head | None = None,
) -> Head:
    """Fit a head on some images.

    Args:
        features: of all images.
        labels: int [images]: classes of all images; only those of `rows` are used.
        rows: int64 [training images].
        classes: number of classes.
        candidate: blocks and grid.
        penalty: C for rows of mean squared length 1, as `choice.Choice` has it.
        prior: a head on the same blocks and grid, for the same classes: the penalty is then on the weights'
            difference from its own, as in the biased regularisation of Li et al. (2018, 1802.01483).
    """
    standardised = streamed.Standardised(features, candidate, rows)
    targets = labels[rows]
    offset = None if prior is None else logits(prior, features, rows)
    if len(rows) > ROW_SPACE:
        model = streamed.fit(standardised, targets, classes, penalty, offset)
    elif standardised.width < len(rows):
        inputs = np.concatenate(list(standardised.chunks()))
        model = logistic.fit(logistic.Dense(inputs), targets, classes, penalty, offset=offset)
    else:
        model = _fit_in_row_space(standardised, targets, classes, penalty, offset)
    weights = model.weights * standardised.factor[:, None]
    bias = model.bias - standardised.mean.astype(np.float64) @ weights
    if prior is not None:
        weights, bias = weights + prior.weights, bias + prior.bias
    return Head(candidate, weights, bias.astype(np.float32))


def logits(head: Head, features: Features, rows: np.ndarray) -> np.ndarray:
    """Of some images, float32 [rows, classes]."""
    read = streamed.read(features, head.candidate, rows)
    return np.concatenate([values @ head.weights + head.bias for values in read])


def _fit_in_row_space(
    rows: streamed.Standardised, labels: np.ndarray, classes: int, penalty: float, offset: np.ndarray | None
) -> logistic.Model:
    """The same minimum as on the features, found in as many coordinates as there are rows."""
    lower = gram.basis(rows.gram())
    model = logistic.fit(logistic.Dense(lower), labels, classes, penalty, offset=offset)
    # A feature's direction in the basis is a column of L⁻¹ A, so its weights are Aᵀ L⁻ᵀ times those found.
    dual = linalg.solve_triangular(lower, model.weights, lower=True, trans=1, check_finite=False)
    weights, at = np.zeros((rows.width, classes), np.float32), 0
    for chunk in rows.chunks():
        weights += chunk.T @ dual[at : at + len(chunk)]
        at += len(chunk)
    return logistic.Model(weights, model.bias)
