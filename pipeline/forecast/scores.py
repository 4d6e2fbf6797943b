"""Accuracy, macro F1 or one class's recall of out-of-fold predictions, resampled by images and by draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from headstart.components.tuner.scores import accuracy, macro_f1
from headstart.pipeline.forecast.measurement import Measurement

REPLICATES = 400

__all__ = ["accuracy", "macro_f1", "recall", "resampled"]

Score = Callable[[np.ndarray], float]  # of a confusion matrix, float64 [actual, predicted]


def recall(label: int) -> Score:
    """Share of a class's images that are recognised; NaN where it has none."""

    def score(confusion: np.ndarray) -> float:
        images = confusion[label].sum()
        return float(confusion[label, label] / images) if images else np.nan

    return score


def resampled(
    measurement: Measurement, score: Score, seed: int, replicates: int = REPLICATES
) -> tuple[np.ndarray, np.ndarray]:
    """The score at every number of images, and what it is with other images and other draws.

    To the bootstrap over images the draws' own noise is added: what the variance between draws has beyond
    that of their images. Taking draws with replacement too would count the noise of the images twice.

    Returns:
        float64 [sizes] and [replicates, sizes].
    """
    rng = np.random.default_rng(seed)
    every = np.ones(int(measurement.groups.max()) + 1)
    others = _bootstrap(measurement, score, rng, replicates)
    # A replicate, or a draw, may have no image of the class whose recall is asked for.
    others = np.resize(others[np.isfinite(others).all(axis=1)], others.shape)
    by_draw = np.array(
        [_scores(measurement, score, every, measurement.draw == draw) for draw in range(measurement.draws)]
    )
    of_images = others.var(axis=0) * measurement.draws / len(measurement.draw)  # a draw has fewer images
    own = np.maximum(np.nanvar(by_draw, axis=0, ddof=1) - of_images, 0) / measurement.draws
    observed = _scores(measurement, score, every, measurement.draw >= 0)
    return observed, others + np.sqrt(own) * rng.standard_normal(others.shape)


def _bootstrap(
    measurement: Measurement, score: Score, rng: np.random.Generator, replicates: int = REPLICATES
) -> np.ndarray:
    """The score with groups of images taken with replacement, the same for all numbers of images.

    Returns:
        float64 [replicates, sizes].
    """
    groups, seen = int(measurement.groups.max()) + 1, measurement.draw >= 0
    taken = (np.bincount(rng.integers(0, groups, groups), minlength=groups) for _ in range(replicates))
    return np.array([_scores(measurement, score, weights, seen) for weights in taken])


def _scores(measurement: Measurement, score: Score, weights: np.ndarray, which: np.ndarray) -> np.ndarray:
    """By number of images, of some predictions, bool [repeats, images], by the weights of their groups."""
    labels = np.broadcast_to(measurement.labels, which.shape)[which]
    counted = np.broadcast_to(weights[measurement.groups], which.shape)[which]
    classes = 1 + max(int(measurement.labels.max()), int(measurement.predicted.max()))
    pairs = labels * classes + measurement.predicted[:, which]
    matrices = (np.bincount(one, counted, classes**2).reshape(classes, classes) for one in pairs)
    return np.array([score(confusion) for confusion in matrices])
