"""The head itself: fitted on all training images, scaling and weights folded into one dense layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from components.linear import gram, logistic
from components.linear.features import Candidate, Features

# The row space takes about four matrices of rows × rows in float32: 1.6 GB with ten thousand rows.
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
) -> Head:
    """Fit a head on some images.

    Args:
        features: of all images.
        labels: int [images]: classes of all images; only those of `rows` are used.
        rows: int64 [training images].
        classes: number of classes.
        candidate: blocks and grid.
        penalty: C for rows of mean squared length 1, as `choice.Choice` has it.
    """
    everything = np.ones((1, len(rows)), bool)
    _, matrices = next(gram.grams(features, [candidate], rows, everything))
    lower = gram.basis(matrices[0])
    model = logistic.fit(logistic.Dense(lower), labels[rows], classes, penalty)
    # Weights in the basis are L⁻¹ A times those of the features, so these are Aᵀ L⁻ᵀ times them.
    dual = linalg.solve_triangular(lower, model.weights, lower=True, trans=1, check_finite=False)
    weights, bias = [], model.bias.astype(np.float64)
    for part in candidate.parts:
        scale = gram.scaling(features, part, rows, everything)
        factor = scale.factor[0] / np.sqrt(len(candidate.blocks))
        folded = np.zeros((features.width(*part), classes), np.float32)
        for some in gram.in_chunks(len(rows), len(folded)):
            values = features.take(*part, rows[some]).astype(np.float32) - scale.mean[0]
            folded += values.T @ dual[some]
        folded *= np.square(factor)[:, None]
        weights.append(folded)
        bias -= scale.mean[0].astype(np.float64) @ folded
    return Head(candidate, np.concatenate(weights), bias.astype(np.float32))


def logits(head: Head, features: Features, rows: np.ndarray) -> np.ndarray:
    """Of some images, float32 [rows, classes]."""
    found = np.tile(head.bias, (len(rows), 1))
    for some in gram.in_chunks(len(rows), len(head.weights)):
        joined = [features.take(*part, rows[some]) for part in head.candidate.parts]
        found[some] += np.concatenate(joined, axis=1).astype(np.float32) @ head.weights
    return found
