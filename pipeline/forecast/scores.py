"""Accuracy, macro F1 or one class's recall of out-of-fold predictions, resampled by images and by draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from headstart.pipeline.forecast.measurement import Measurement

REPLICATES = 400

Score = Callable[[np.ndarray], float]  # of a confusion matrix, float64 [actual, predicted]


def accuracy(confusion: np.ndarray) -> float:
    """Share of the images that are right."""
    return float(np.trace(confusion) / confusion.sum())


def macro_f1(confusion: np.ndarray) -> float:
    """Mean of the F1 of the classes that have images."""
    right, actual = np.diag(confusion), confusion.sum(axis=1)
    found = actual > 0
    return float((2 * right / np.maximum(actual + confusion.sum(axis=0), 1e-12))[found].mean())


def recall(label: int) -> Score:
    """Share of a class's images that are recognised."""

    def score(confusion: np.ndarray) -> float:
        return float(confusion[label, label] / max(confusion[label].sum(), 1e-12))

    return score


def resampled(
    measurement: Measurement, score: Score, seed: int, replicates: int = REPLICATES
) -> tuple[np.ndarray, np.ndarray]:
    """The score at every number of images, and what it is with other images and other draws.

    A replicate draws groups of images with replacement, and draws of the subsets with replacement; the same
    for all numbers of images, which were scored on the same images.

    Returns:
        float64 [sizes] and [replicates, sizes].
    """
    rng = np.random.default_rng(seed)
    groups, draws = int(measurement.groups.max()) + 1, measurement.draws
    observed = _scores(measurement, score, np.ones(groups), np.ones(draws))
    others = [
        _scores(
            measurement,
            score,
            np.bincount(rng.integers(0, groups, groups), minlength=groups),
            np.bincount(rng.integers(0, draws, draws), minlength=draws),
        )
        for _ in range(replicates)
    ]
    return observed, np.array(others)


def _scores(
    measurement: Measurement, score: Score, group_weights: np.ndarray, draw_weights: np.ndarray
) -> np.ndarray:
    seen = measurement.draw >= 0
    labels = np.broadcast_to(measurement.labels, seen.shape)[seen]
    weights = (group_weights[measurement.groups] * draw_weights[measurement.draw])[seen]
    classes = 1 + max(int(labels.max()), int(measurement.predicted.max()))
    pairs = labels * classes + measurement.predicted[:, seen]
    counted = (np.bincount(one, weights, classes**2).reshape(classes, classes) for one in pairs)
    return np.array([score(confusion) for confusion in counted])
