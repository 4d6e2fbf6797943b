"""Multinomial logistic regression with an L2 penalty, on rows that are read in chunks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import linalg
from scipy.optimize import OptimizeResult, minimize

ABSENT = -30.0  # bias of a class without training images: an odds of one to e³⁰

_ROUGH = 1e-2  # tolerance of the first round
_ITERATIONS = 500
_MEMORY = 10  # L-BFGS's pairs of vectors
_NO_GAIN = 1e-9  # share of the loss that a step has to gain; less is float32's rounding
_LEAST = 1e-3  # curvature that every row counts with, however sure the model is of it

_Point = tuple[np.ndarray, np.ndarray]  # weights float32 [width, classes], bias float64 [classes]


class Rows(Protocol):
    """The rows that a model is fitted on."""

    @property
    def width(self) -> int:
        """Number of features."""
        ...

    def __len__(self) -> int:
        """Number of rows."""
        ...

    def chunks(self) -> Iterator[np.ndarray]:
        """All rows in order, float32 [some, width] at a time."""
        ...


class Dense:
    """Rows that are one array."""

    def __init__(self, values: np.ndarray):
        """Keep float32 [rows, width]."""
        self._values = values
        self.width = values.shape[1]

    def __len__(self) -> int:
        return len(self._values)

    def chunks(self) -> Iterator[np.ndarray]:
        """The whole array."""
        yield self._values


@dataclass(frozen=True)
class Model:
    """Logits are rows @ weights + bias."""

    weights: np.ndarray  # float32 [width, classes]
    bias: np.ndarray  # float32 [classes]

    def log_probabilities(self, values: np.ndarray) -> np.ndarray:
        """Of float32 rows [rows, width], float32 [rows, classes]."""
        logits = values @ self.weights + self.bias
        logits -= logits.max(axis=1, keepdims=True)
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def fit(
    rows: Rows,
    labels: np.ndarray,
    classes: int,
    penalty: float,
    start: Model | None = None,
    tolerance: float = 1e-4,
    group: int | None = None,
) -> Model:
    """Minimise the sum of cross-entropies + ‖weights‖² / (2 × penalty); the bias is free.

    The minimum is that of scikit-learn's `LogisticRegression(C=penalty)`. L-BFGS finds it in coordinates in
    which the Hessian is near the identity. With a start they come from the Hessian there. Without one there
    are two rounds: the first uses a bound that the Hessian has everywhere (Böhning 1992, Annals of the
    Institute of Statistical Mathematics 44:197), the second the Hessian at the first round's answer.

    Args:
        rows: the training rows; their features should have a mean near zero.
        labels: int [rows], below `classes`. A class that no row has gets no weights and the bias `ABSENT`.
        classes: number of classes.
        penalty: scikit-learn's C, above 0: the larger, the weaker the penalty.
        start: the answer for a penalty nearby.
        tolerance: where to stop: at a norm of the gradient, in those coordinates, of tolerance × √rows. Half
            its square is about the loss that a row still exceeds the minimum by on average, in nats, whatever
            the number of classes.
        group: number of features whose joint curvature is used; None means all. Memory grows with its square.
    """
    present, targets = np.unique(labels, return_inverse=True)
    if len(present) == 1:
        weights, bias = np.zeros((rows.width, 1), np.float32), np.zeros(1, np.float32)
    else:
        problem = _Problem(rows, targets, len(present), penalty, group or rows.width)
        if start is None:
            weights = np.zeros((rows.width, len(present)), np.float32)
            first = problem.minimise(weights, np.zeros(len(present)), None, max(_ROUGH, tolerance))
        else:
            first = start.weights[:, present], start.bias[present].astype(np.float64)
        weights, bias = problem.minimise(*first, first, tolerance)
    model = Model(np.zeros((rows.width, classes), np.float32), np.full(classes, ABSENT, np.float32))
    model.weights[:, present] = weights
    model.bias[present] = bias
    return model


class _Problem:
    """The objective, and coordinates in which its Hessian is near the identity."""

    def __init__(self, rows: Rows, targets: np.ndarray, classes: int, penalty: float, group: int):
        self._rows = rows
        self._targets = targets
        self._classes = classes
        self._penalty = penalty
        self._groups = [slice(at, min(rows.width, at + group)) for at in range(0, rows.width, group)]

    def minimise(
        self, weights: np.ndarray, bias: np.ndarray, curvature_at: _Point | None, tolerance: float
    ) -> _Point:
        """Start from weights and bias, in the coordinates of the Hessian at a point; None takes its bound."""
        factors, unit = self._factors(curvature_at)
        gradient_norm = np.inf
        shape = (self._rows.width + 1, self._classes)

        def weights_of(moved: np.ndarray) -> np.ndarray:
            return self._solve(factors, moved.astype(np.float32), transposed=True)

        def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
            nonlocal gradient_norm
            moved = flat.reshape(shape)
            here = weights_of(moved[:-1])
            loss, slope, bias_slope = self._pass(here, moved[-1] * unit)
            loss += float(np.square(here, dtype=np.float64).sum()) / (2 * self._penalty)
            slope += here / self._penalty
            gradient = np.empty(shape)
            gradient[:-1] = self._solve(factors, slope, transposed=False)
            gradient[-1] = bias_slope * unit
            gradient_norm = float(np.linalg.norm(gradient))
            return loss, gradient.ravel()

        def stop_when_flat(intermediate_result: OptimizeResult) -> None:
            if gradient_norm <= tolerance * np.sqrt(len(self._rows)):
                raise StopIteration

        start = np.empty(shape)
        for columns, factor in zip(self._groups, factors):
            start[:-1][columns] = factor.T @ weights[columns]
        start[-1] = bias / unit
        found = minimize(
            objective,
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            callback=stop_when_flat,
            options={"maxcor": _MEMORY, "maxiter": _ITERATIONS, "gtol": 0.0, "ftol": _NO_GAIN},
        )
        moved = found.x.reshape(shape)
        return weights_of(moved[:-1]), moved[-1] * unit

    def _factors(self, model: _Point | None) -> tuple[list[np.ndarray], float]:
        """Cholesky factors of the Hessian, a group of features at a time, and the scale of the bias."""
        hessians = [np.eye(g.stop - g.start, dtype=np.float32) / self._penalty for g in self._groups]
        total = 0.0
        for chunk in self._rows.chunks():
            if model is None:
                weight = np.full(len(chunk), 0.5, np.float32)
            else:
                odds = _softmax(chunk @ model[0] + model[1].astype(np.float32))
                weight = np.clip((odds * (1 - odds)).max(axis=1), _LEAST, 0.5)
            total += float(weight.sum())
            root = np.sqrt(weight)[:, None]
            for columns, hessian in zip(self._groups, hessians):
                scaled = chunk[:, columns] * root
                hessian += scaled.T @ scaled
        return [
            linalg.cholesky(one, lower=True, overwrite_a=True, check_finite=False) for one in hessians
        ], total**-0.5

    def _solve(self, factors: list[np.ndarray], values: np.ndarray, transposed: bool) -> np.ndarray:
        solved = np.empty_like(values)
        for columns, factor in zip(self._groups, factors):
            solved[columns] = linalg.solve_triangular(
                factor, values[columns], lower=True, trans=int(transposed), check_finite=False
            )
        return solved

    def _pass(self, weights: np.ndarray, bias: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Cross-entropy over all rows with its gradient by weights and by bias."""
        loss, at = 0.0, 0
        slope, bias_slope = np.zeros_like(weights), np.zeros(self._classes)
        for chunk in self._rows.chunks():
            targets = self._targets[at : at + len(chunk)]
            at += len(chunk)
            odds = _softmax(chunk @ weights + bias.astype(np.float32))
            own = odds[np.arange(len(chunk)), targets]
            loss -= float(np.log(np.maximum(own, 1e-37), dtype=np.float64).sum())
            odds[np.arange(len(chunk)), targets] -= 1
            slope += chunk.T @ odds
            bias_slope += odds.sum(axis=0, dtype=np.float64)
        return loss, slope, bias_slope


def _softmax(logits: np.ndarray) -> np.ndarray:
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits
