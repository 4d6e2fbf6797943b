"""Multinomial logistic regression with an L2 penalty, on rows that are read in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import linalg
from scipy.linalg import lapack
from scipy.optimize import OptimizeResult, minimize

from headstart.components.shared.linear.gram import in_chunks

ABSENT = -30.0  # bias of a class without training images: an odds of one to e³⁰

ROUGH = 1e-2  # tolerance of the first round
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
        """Views of the array, 64 MiB at a time."""
        return (self._values[some] for some in in_chunks(len(self), self.width))


class LowerTriangle(Dense):
    """Rows that are a lower triangle, as `gram.basis` makes it: their products take a third of the time."""

    def chunks(self) -> Iterator[np.ndarray]:
        """The whole array."""
        yield self._values


@dataclass(frozen=True)
class Span:
    """Directions along which the Hessian is computed; outside them the penalty's part alone is used."""

    directions: np.ndarray  # float32 [directions, width], orthonormal rows
    rows: Dense  # coordinates of the training rows along them


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
    span: Span | None = None,
    offset: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Model:
    """Minimise the sum of cross-entropies + ‖weights‖² / (2 × penalty); the bias is free.

    The minimum is that of scikit-learn's `LogisticRegression(C=penalty)`, of its `fit` with
    `sample_weight=weights` where there are weights. L-BFGS finds it in coordinates in
    which the Hessian is near the identity. With a start they come from the Hessian there. Without one there
    are two rounds: the first uses a bound that the Hessian has everywhere (Böhning 1992, Annals of the
    Institute of Statistical Mathematics 44:197), the second the Hessian at the first round's answer. A
    tolerance of `ROUGH` or more is met after the first.

    Args:
        rows: the training rows; their features should have a mean near zero.
        labels: int [rows], below `classes`. A class that no row has gets no weights and the bias `ABSENT`.
        classes: number of classes.
        penalty: scikit-learn's C, above 0: the larger, the weaker the penalty.
        start: the answer for a penalty nearby.
        tolerance: where to stop: at a norm of the gradient, in those coordinates, of tolerance × √rows. Half
            its square is about the loss that a row still exceeds the minimum by on average, in nats, whatever
            the number of classes. In the first round's coordinates it is more.
        span: where the curvature is computed; None means on all features. Memory grows with their square.
        offset: float32 [rows, classes], added to the logits of the rows: the fit is of the difference from
            another model, and the penalty is on that. A class that no row has then gets the bias 0.
        weights: float32 [rows], above 0 with a mean near 1: what the cross-entropy of each row counts. None
            counts every row once. `balanced` makes those of classes.
    """
    present, targets = np.unique(labels, return_inverse=True)
    if len(present) == 1:
        found: _Point = np.zeros((rows.width, 1), np.float32), np.zeros(1)
    else:
        known = None if offset is None else offset[:, present]
        problem = _Problem(rows, targets, len(present), penalty, span, known, weights)
        if start is None:
            nothing = np.zeros((rows.width, len(present)), np.float32)
            first = problem.minimise(nothing, np.zeros(len(present)), None, max(ROUGH, tolerance))
        else:
            first = start.weights[:, present], start.bias[present].astype(np.float64)
        enough = start is None and tolerance >= ROUGH
        found = first if enough else problem.minimise(*first, first, tolerance)
    absent = ABSENT if offset is None else 0.0
    model = Model(np.zeros((rows.width, classes), np.float32), np.full(classes, absent, np.float32))
    model.weights[:, present], model.bias[present] = found
    return model


def balanced(targets: np.ndarray) -> np.ndarray:
    """Weights of rows with which every class counts the same: scikit-learn's `class_weight="balanced"`.

    Args:
        targets: int [rows]: classes; one that no row has does not count.

    Returns:
        rows / (classes × rows of the row's class), float32 [rows]; their mean is 1.
    """
    present, own, counts = np.unique(targets, return_inverse=True, return_counts=True)
    return (len(targets) / (len(present) * counts)).astype(np.float32)[own]


class _Coordinates:
    """Coordinates in which the Hessian is near the identity: with Hessian = F Fᵀ, Fᵀ times the weights.

    Outside a span, F is the root of the penalty's curvature.
    """

    def __init__(self, factor: np.ndarray, penalty: float, span: Span | None):
        self._factor = factor  # of the Hessian on the features, or along the span's directions
        self._outside = np.float32(penalty**-0.5)
        self._span = span

    def of(self, weights: np.ndarray) -> np.ndarray:
        """Fᵀ weights."""
        return self._within(weights, lambda inside: self._factor.T @ inside, self._outside)

    def weights(self, moved: np.ndarray) -> np.ndarray:
        """F⁻ᵀ coordinates."""
        return self._within(moved, lambda inside: self._solve(inside, transposed=True), 1 / self._outside)

    def gradient(self, slope: np.ndarray) -> np.ndarray:
        """F⁻¹ times the gradient by the weights: the gradient by the coordinates."""
        return self._within(slope, lambda inside: self._solve(inside, transposed=False), 1 / self._outside)

    def _within(
        self, values: np.ndarray, change: Callable[[np.ndarray], np.ndarray], outside: np.float32
    ) -> np.ndarray:
        if self._span is None:
            return change(values)
        inside = self._span.directions @ values
        return values * outside + self._span.directions.T @ (change(inside) - inside * outside)

    def _solve(self, values: np.ndarray, transposed: bool) -> np.ndarray:
        return linalg.solve_triangular(
            self._factor, values, lower=True, trans=int(transposed), check_finite=False
        )


class _Problem:
    """The objective, minimised in coordinates in which its Hessian is near the identity."""

    def __init__(
        self,
        rows: Rows,
        targets: np.ndarray,
        classes: int,
        penalty: float,
        span: Span | None,
        offset: np.ndarray | None,
        row_weights: np.ndarray | None,
    ):
        self._rows = rows
        self._offset = offset
        self._row_weights = row_weights
        self._targets = targets
        self._classes = classes
        self._penalty = penalty
        self._span = span

    def minimise(
        self, weights: np.ndarray, bias: np.ndarray, curvature_at: _Point | None, tolerance: float
    ) -> _Point:
        """Start from weights and bias, in the coordinates of the Hessian at a point; None takes its bound."""
        factor, unit = self._curvature(curvature_at)
        coordinates = _Coordinates(factor, self._penalty, self._span)
        gradient_norm = np.inf
        shape = (self._rows.width + 1, self._classes)

        def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
            nonlocal gradient_norm
            moved = flat.reshape(shape)
            here = coordinates.weights(moved[:-1].astype(np.float32))
            loss, slope, bias_slope = self._pass(here, moved[-1] * unit)
            loss += float(np.square(here, dtype=np.float64).sum()) / (2 * self._penalty)
            slope += here / self._penalty
            gradient = np.empty(shape)
            gradient[:-1] = coordinates.gradient(slope)
            gradient[-1] = bias_slope * unit
            gradient_norm = float(np.linalg.norm(gradient))
            return loss, gradient.ravel()

        def stop_when_flat(intermediate_result: OptimizeResult) -> None:
            if gradient_norm <= tolerance * np.sqrt(len(self._rows)):
                raise StopIteration

        start = np.empty(shape)
        start[:-1] = coordinates.of(weights)
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
        return coordinates.weights(moved[:-1].astype(np.float32)), moved[-1] * unit

    def _curvature(self, point: _Point | None) -> tuple[np.ndarray, float]:
        """Cholesky factor of the Hessian, on the features or along the directions; scale of the bias."""
        rows: Rows = self._rows
        if self._span is not None:
            rows = self._span.rows
            point = None if point is None else (self._span.directions @ point[0], point[1])
        hessian = np.eye(rows.width, dtype=np.float32) / self._penalty
        total, at = 0.0, 0
        for chunk in rows.chunks():
            at += len(chunk)
            if point is None:
                weight = np.full(len(chunk), 0.5, np.float32)
            else:
                odds = _softmax(self._logits(chunk, *point, at))
                weight = np.clip((odds * (1 - odds)).max(axis=1), _LEAST, 0.5)
            if self._row_weights is not None:
                weight *= self._row_weights[at - len(chunk) : at]
            total += float(weight.sum())
            scaled = chunk * np.sqrt(weight)[:, None]
            if isinstance(rows, LowerTriangle):
                hessian += lapack.slauum(scaled, lower=1, overwrite_c=1)[
                    0
                ]  # its lower triangle, which is all that is read
            else:
                hessian += scaled.T @ scaled
        factor = linalg.cholesky(hessian, lower=True, overwrite_a=True, check_finite=False)
        return factor, total**-0.5

    def _pass(self, weights: np.ndarray, bias: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Cross-entropy over all rows with its gradient by weights and by bias."""
        loss, at = 0.0, 0
        slope, bias_slope = np.zeros_like(weights), np.zeros(self._classes)
        for chunk in self._rows.chunks():
            targets = self._targets[at : at + len(chunk)]
            at += len(chunk)
            odds = _softmax(self._logits(chunk, weights, bias, at))
            own = odds[np.arange(len(chunk)), targets]
            logs = np.log(np.maximum(own, 1e-37), dtype=np.float64)
            odds[np.arange(len(chunk)), targets] -= 1
            if self._row_weights is not None:
                row_weights = self._row_weights[at - len(chunk) : at]
                logs *= row_weights
                odds *= row_weights[:, None]
            loss -= float(logs.sum())
            slope += chunk.T @ odds
            bias_slope += odds.sum(axis=0, dtype=np.float64)
        return loss, slope, bias_slope

    def _logits(self, chunk: np.ndarray, weights: np.ndarray, bias: np.ndarray, end: int) -> np.ndarray:
        """Of the rows of a chunk, the last of which is the row before `end`."""
        logits = chunk @ weights + bias.astype(np.float32)
        if self._offset is not None:
            logits += self._offset[end - len(chunk) : end]
        return logits


def _softmax(logits: np.ndarray) -> np.ndarray:
    logits -= logits.max(axis=1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=1, keepdims=True)
    return logits
