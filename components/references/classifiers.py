"""The reference classifiers: fitted on training images, their one setting chosen on the validation split."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

LOGISTIC_GRID = (0.001, 0.01, 0.1, 1.0)  # C, on standardised features
SVM_GRID = (1.0, 10.0, 100.0)
_ITERATIONS = 100
_ROWS = 1000  # test images at a time: a kernel is test images × training images

Labelled = tuple[np.ndarray, np.ndarray]  # float [images, features], int [images]


@dataclass(frozen=True)
class Fitted:
    """What a classifier says of the test images, and what it took."""

    # float [test images, classes], 0…1, the higher the better. Of an SVM it is the logistic function of the
    # margin over the best other class: above a half for its prediction, in the right order, no probability.
    scores: np.ndarray
    figures: dict[str, Any]


def logistic(training: Labelled, validation: Labelled, test: np.ndarray, classes: int) -> Fitted:
    """Logistic regression on standardised features.

    Args:
        training: to fit on.
        validation: chooses C.
        test: float [images, features].
        classes: number of classes, some of which the training images may lack.
    """
    clock = _Clock()
    scaler = StandardScaler().fit(training[0])
    return _choose(
        lambda c: LogisticRegression(C=c, max_iter=_ITERATIONS, tol=1e-3),
        LOGISTIC_GRID,
        scaler.transform,
        (training, validation, test),
        classes,
        clock,
    )


def svm(training: Labelled, validation: Labelled, test: np.ndarray, classes: int) -> Fitted:
    """A support vector machine with a Gaussian kernel on standardised features; arguments as of `logistic`.

    The kernel is worked out once for all C: scikit-learn's own takes minutes at this number of features. Its
    width is scikit-learn's `gamma="scale"`.
    """
    clock = _Clock()
    scaler = StandardScaler().fit(training[0])
    scaled = scaler.transform(training[0])
    gamma = 1.0 / (scaled.shape[1] * max(float(scaled.var()), 1e-12))
    return _choose(
        lambda c: SVC(C=c, kernel="precomputed"),
        SVM_GRID,
        lambda features: rbf_kernel(scaler.transform(features), scaled, gamma),
        (training, validation, test),
        classes,
        clock,
    )


class _Clock:
    """Wall and CPU seconds since it was made; CPU seconds are those of all threads."""

    def __init__(self) -> None:
        self._began = np.array([time.perf_counter(), time.process_time()])

    def seconds(self) -> np.ndarray:
        """Wall and CPU seconds, float [2]."""
        return np.array([time.perf_counter(), time.process_time()]) - self._began


def _choose(
    make: Callable[[float], Any],
    grid: Sequence[float],
    prepare: Callable[[np.ndarray], np.ndarray],
    splits: tuple[Labelled, Labelled, np.ndarray],
    classes: int,
    clock: _Clock,
) -> Fitted:
    """Fit with every C, keep the most accurate on validation; of equals the smallest C, the simplest.

    The test split has no labels here.
    """
    (features, labels), (validation, validation_labels), test = splits
    inputs, checked = prepare(features), prepare(validation)
    preparing = clock.seconds()
    best: tuple[float, float, Any, np.ndarray] | None = None
    for c in grid:
        fitting = _Clock()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # told in the figures
            model = make(c).fit(inputs, labels)
        spent = fitting.seconds()
        accuracy = _accuracy(_scores(model, checked, classes), validation_labels)
        if best is None or accuracy > best[0]:
            best = accuracy, c, model, spent
    searching = clock.seconds()
    assert best is not None
    accuracy, c, model, spent = best
    seconds, cpu_seconds = (preparing + spent).tolist()
    figures = {
        "train_accuracy": _accuracy(_scores(model, inputs, classes), labels),
        "val_accuracy": accuracy,
        "train_seconds": seconds,
        "seconds_to_best": seconds,
        "cpu_seconds": cpu_seconds,
        "setup_seconds": 0.0,
        "tuning_seconds": float(searching[0]) - seconds,
        "c": c,
        "converged": bool(model.max_iter < 0 or np.all(model.n_iter_ < model.max_iter)),
    }
    some = (test[start : start + _ROWS] for start in range(0, len(test), _ROWS))
    return Fitted(np.concatenate([_scores(model, prepare(rows), classes) for rows in some]), figures)


def _scores(model: Any, inputs: np.ndarray, classes: int) -> np.ndarray:
    """As `Fitted` has them, float [images, classes]; 0 for a class that the model has never seen."""
    if hasattr(model, "predict_proba"):
        known = model.predict_proba(inputs)
    else:
        known = model.decision_function(inputs)
        if known.ndim == 1:
            known = np.stack([-known, known], axis=1) / 2
        second, first = np.sort(known, axis=1)[:, -2:].T[..., None]
        known = expit(known - np.where(known == first, second, first))
    scores = np.zeros((len(inputs), classes))
    scores[:, model.classes_] = known
    return scores


def _accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    return float((scores.argmax(axis=1) == labels).mean())
