"""Standardised features that are read from the store in chunks of rows, and a fit that reads them."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator

import numpy as np
from scipy import linalg

from headstart.components.shared.linear import gram, logistic
from headstart.components.shared.linear.features import Candidate, Features
from headstart.components.shared.linear.half import widen

# Up to so many features the curvature of all is used: 64 MiB. Of more, that along as many directions.
DIRECTIONS = 4096
_COORDINATES = 1 << 28  # of the rows along the directions: 1 GiB
_FIRST = 10  # the first answer comes from one row in ten, for a tenth of the seconds
_FIRST_TOLERANCE = 1e-3
_WIDE_TOLERANCE = 5e-4


class Standardised:
    """Rows for `logistic.fit`: features of blocks side by side, standardised on these rows."""

    def __init__(self, features: Features, candidate: Candidate, rows: np.ndarray):
        """Fit the standardising in one pass over the features.

        Args:
            features: of all images.
            candidate: blocks and grid.
            rows: int64 [rows]: the images.
        """
        self._features = features
        self._candidate = candidate
        self._rows = rows
        everything = np.ones((1, len(rows)), bool)
        self._scales = [gram.scaling(features, part, rows, everything) for part in candidate.parts]
        self.mean = np.concatenate([scale.mean[0] for scale in self._scales])
        self.factor = np.concatenate([scale.factor[0] for scale in self._scales])
        self.factor /= np.sqrt(len(candidate.blocks), dtype=np.float32)
        self.width = len(self.mean)

    def __len__(self) -> int:
        return len(self._rows)

    def some(self, which: np.ndarray) -> Standardised:
        """Some of the rows, standardised as they are here; int64 [some], ascending."""
        part = copy.copy(self)
        part._rows = self._rows[which]  # noqa: SLF001  # of the same class
        return part

    def gram(self) -> np.ndarray:
        """Inner products of all rows, float32 [rows, rows]; a part of the features is in memory at a time."""
        total = np.zeros((1, len(self), len(self)), np.float32)
        for part, scale in zip(self._candidate.parts, self._scales):
            gram.add_products(total, self._features.take(*part, self._rows), scale)
        return gram.mirrored(total)[0] / len(self._candidate.blocks)

    def chunks(self) -> Iterator[np.ndarray]:
        """All rows in order, float32 [some, width], 64 MiB at a time."""
        return read(self._features, self._candidate, self._rows, self.mean, self.factor)


def read(
    features: Features,
    candidate: Candidate,
    rows: np.ndarray,
    mean: np.ndarray | None = None,
    factor: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """Features of a candidate's blocks side by side, float32 [some, width], 64 MiB at a time.

    Args:
        features: of all images.
        candidate: blocks and grid.
        rows: int64 [rows]: the images.
        mean: float32 [width], subtracted; None leaves the features as they are.
        factor: float32 [width], multiplied with after that.
    """
    ends = np.cumsum([0, *(features.width(*part) for part in candidate.parts)])
    columns = [slice(*pair) for pair in itertools.pairwise(ends)]
    for some in gram.in_chunks(len(rows), int(ends[-1])):
        joined = np.empty((some.stop - some.start, int(ends[-1])), np.float32)
        for part, where in zip(candidate.parts, columns):
            own = (None if one is None else one[where] for one in (mean, factor))
            widen(features.take(*part, rows[some]), joined[:, where], *own)
        yield joined


def fit(
    rows: Standardised,
    labels: np.ndarray,
    classes: int,
    penalty: float,
    offset: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> logistic.Model:
    """Fit on rows too many for memory, as `logistic.fit` does.

    In memory are the curvature, a chunk of rows with its logits, some thirty float64 copies of the weights,
    which L-BFGS works with. With more than `DIRECTIONS` features there are also the directions, and the rows'
    coordinates along them, about 1 GiB at most.

    Args:
        rows: the training rows.
        labels: int [rows].
        classes: number of classes.
        penalty: scikit-learn's C.
        offset: as in `logistic.fit`.
        weights: as in `logistic.fit`.
    """
    if rows.width > DIRECTIONS:
        return _fit_wide(rows, labels, classes, penalty, offset, weights)
    sample = _sample(labels, len(rows) // _FIRST)
    first = logistic.fit(
        rows.some(sample),
        labels[sample],
        classes,
        penalty,
        tolerance=_FIRST_TOLERANCE,
        offset=None if offset is None else offset[sample],
        weights=None if weights is None else weights[sample],
    )
    return logistic.fit(rows, labels, classes, penalty, first, offset=offset, weights=weights)


def _fit_wide(
    rows: Standardised,
    labels: np.ndarray,
    classes: int,
    penalty: float,
    offset: np.ndarray | None,
    weights: np.ndarray | None,
) -> logistic.Model:
    """Fit in the span of some of the rows, then from there on the features, with the curvature in the span.

    Measured on 28,000 photos with 22,000 features: the span of 4,000 of them holds 92 % of the squared length
    of all, so the start is near the minimum, and outside the span most of the curvature is the penalty's.
    """
    sample = _sample(labels, min(DIRECTIONS, _COORDINATES // len(rows)))
    chosen = np.concatenate(list(rows.some(sample).chunks()))
    directions = linalg.qr(chosen.T, overwrite_a=True, mode="economic", check_finite=False)[0].T
    del chosen
    coordinates, at = np.empty((len(rows), len(directions)), np.float32), 0
    for chunk in rows.chunks():
        np.matmul(chunk, directions.T, out=coordinates[at : at + len(chunk)])
        at += len(chunk)
    inside = logistic.Dense(coordinates)
    within = logistic.fit(
        inside, labels, classes, penalty, tolerance=_WIDE_TOLERANCE, offset=offset, weights=weights
    )
    start = logistic.Model(directions.T @ within.weights, within.bias)
    span = logistic.Span(directions, inside)
    return logistic.fit(rows, labels, classes, penalty, start, _WIDE_TOLERANCE, span, offset, weights)


def _sample(labels: np.ndarray, count: int) -> np.ndarray:
    """Rows at even distances, and the first of each class."""
    even = np.linspace(0, len(labels) - 1, max(1, count)).astype(np.int64)
    return np.union1d(even, np.unique(labels, return_index=True)[1])
