"""Simulated learning curves for the back-test of `headstart plan`: the truth is known."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from headstart.pipeline.forecast.measurement import REPEATS, SHARES, Measurement

IMAGES = 750  # training images
TIMES = 5  # the truth is that of so many times as many
CLASSES = 10
_FOLDS = 5
_DIFFICULTY = 0.6  # share of the variance of a prediction's luck that is the image's own, whatever the draw
_OF_DRAW = 0.5  # a draw of n images has a relative error of its own of this / √n


def simulated(seed: int) -> tuple[Measurement, float]:
    """Out-of-fold predictions of a head whose error is a + b n^-c, and its accuracy with many more images."""
    rng = np.random.default_rng(seed)
    power, last, floor = rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.3), rng.uniform(0, 0.5)
    sizes = np.round(np.array(SHARES) * IMAGES * (_FOLDS - 1) / _FOLDS).astype(np.int64)

    def error(images: float) -> float:
        return min(0.9, last * (floor + (1 - floor) * (images / sizes[-1]) ** -power))

    labels = rng.integers(0, CLASSES, IMAGES)
    draw = np.stack([rng.permutation(np.arange(IMAGES) % _FOLDS) + _FOLDS * r for r in range(REPEATS)])
    luck = np.sqrt(_DIFFICULTY) * rng.normal(size=IMAGES)
    predicted = np.empty((len(sizes), REPEATS, IMAGES), np.int16)
    for number, size in enumerate(sizes):
        wrong_share = error(size) * (1 + _OF_DRAW / np.sqrt(size) * rng.normal(size=_FOLDS * REPEATS))
        own = np.sqrt(1 - _DIFFICULTY) * rng.normal(size=draw.shape)
        wrong = ndtr(luck + own) < wrong_share[draw]
        others = labels + rng.integers(1, CLASSES, draw.shape)
        predicted[number] = np.where(wrong, others % CLASSES, labels)
    return Measurement(sizes, labels, np.arange(IMAGES), predicted, draw), 1 - error(TIMES * IMAGES)
