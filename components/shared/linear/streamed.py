"""Standardised features that are read from the store in chunks of rows, and a fit that reads them."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from headstart.components.shared.linear import gram, logistic
from headstart.components.shared.linear.features import Candidate, Features

# Features whose joint curvature is used: 64 MiB a group.
GROUP = 4096
_FIRST = 10  # the first answer comes from one row in ten, for a tenth of the seconds
_FIRST_TOLERANCE = 1e-3


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
        part._rows = self._rows[which]
        return part

    def gram(self) -> np.ndarray:
        """Inner products of all rows, float32 [rows, rows]; a part of the features is in memory at a time."""
        total = np.zeros((len(self), len(self)), np.float32)
        for part, scale in zip(self._candidate.parts, self._scales):
            total += gram.products(self._features.take(*part, self._rows), scale)[0]
        total /= len(self._candidate.blocks)
        return total

    def chunks(self) -> Iterator[np.ndarray]:
        """All rows in order, float32 [some, width], 64 MiB at a time."""
        for raw in read(self._features, self._candidate, self._rows):
            raw -= self.mean
            raw *= self.factor
            yield raw


def read(features: Features, candidate: Candidate, rows: np.ndarray) -> Iterator[np.ndarray]:
    """Features of a candidate's blocks side by side, float32 [some, width], 64 MiB at a time."""
    widths = [features.width(*part) for part in candidate.parts]
    ends = np.cumsum(widths)
    for some in gram.in_chunks(len(rows), int(ends[-1])):
        joined = np.empty((some.stop - some.start, int(ends[-1])), np.float32)
        for part, width, end in zip(candidate.parts, widths, ends):
            joined[:, end - width : end] = features.take(*part, rows[some])
        yield joined


def fit(rows: Standardised, labels: np.ndarray, classes: int, penalty: float) -> logistic.Model:
    """Fit on rows too many for memory, as `logistic.fit` does.

    In memory are the groups' curvature, a chunk of rows with its logits, and some thirty float64 copies of
    the weights, which L-BFGS works with.

    Args:
        rows: the training rows.
        labels: int [rows].
        classes: number of classes.
        penalty: scikit-learn's C.
    """
    sample = np.union1d(np.arange(0, len(rows), _FIRST), np.unique(labels, return_index=True)[1])
    first = logistic.fit(
        rows.some(sample), labels[sample], classes, penalty, tolerance=_FIRST_TOLERANCE, group=GROUP
    )
    return logistic.fit(rows, labels, classes, penalty, first, group=GROUP)
