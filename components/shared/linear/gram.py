"""Standardised features and their inner products between images (Gram matrices), in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.linalg import blas

from headstart.components.shared.linear.features import Candidate, Features, Part
from headstart.components.shared.linear.half import widened

_CHUNK = 1 << 24  # numbers of float32 in work at a time: 64 MiB
_TILE = 256  # rows of a matrix that are transposed at a time
_JITTER = 1e-6  # of the mean squared length of a row: ten times the rounding of a float32 inner product


@dataclass(frozen=True)
class Scaling:
    """How the features of a part are standardised, once for every set of training images."""

    mean: np.ndarray  # float32 [sets, width]
    factor: np.ndarray  # float32 [sets, width]

    def apply(self, values: np.ndarray, index: int = 0, columns: slice = slice(None)) -> np.ndarray:
        """Standardise some columns with the figures of one set: float [rows, columns] to float32."""
        scaled = values[:, columns] - self.mean[index, columns]
        scaled *= self.factor[index, columns]
        return scaled


def scaling(features: Features, part: Part, rows: np.ndarray, training: np.ndarray) -> Scaling:
    """Fit the standardising of a block on a grid.

    A feature x becomes (x - mean) / ((std + 0.001 × std of the whole part + 1e-6) × √width). So the rows of a
    part have a mean squared length of at most 1 however wide it is, and a feature that hardly varies is not
    blown up.

    Args:
        features: of all images.
        part: block and grid.
        rows: int64 [rows]: the images to read.
        training: bool [sets, rows]: the images whose mean and standard deviation count, in every set.
    """
    width = features.width(*part)
    read = (widened(features.take(*part, rows[some])) for some in in_chunks(len(rows), width))
    return _scaling(read, width, training)


def grams(
    features: Features, chosen: list[Candidate], rows: np.ndarray, training: np.ndarray
) -> Iterator[tuple[Candidate, np.ndarray]]:
    """The Gram matrices of candidates, each standardised inside each set of training images.

    The matrices of blocks add up: a candidate that has all blocks of the one before, on the same grid, goes
    on from its sum.

    Args:
        features: of all images.
        chosen: candidates.
        rows: int64 [rows]: the images to read.
        training: bool [sets, rows], as `scaling` takes it.

    Yields:
        A candidate and its float32 [sets, rows, rows], by grid and number of blocks. Blocks are divided by
        the root of their number, so that a training row has a mean squared length of at most 1 whatever the
        candidate.
    """
    total, grid, summed = np.zeros(0, np.float32), 0, set[int]()
    for candidate in sorted(chosen, key=lambda one: (one.grid, len(one.blocks))):
        if candidate.grid != grid or not summed <= set(candidate.blocks):
            total = np.zeros((len(training), len(rows), len(rows)), np.float32)
            grid, summed = candidate.grid, set()
        for block in sorted(set(candidate.blocks) - summed, reverse=True):
            values = widened(features.take(block, grid, rows))
            width = values.shape[1]
            scale = _scaling((values[some] for some in in_chunks(len(rows), width)), width, training)
            add_products(total, values, scale)
        summed = set(candidate.blocks)
        yield candidate, mirrored(total) / len(candidate.blocks)


def basis(gram: np.ndarray) -> np.ndarray:
    """Coordinates of the training images in the space of their rows, where the inner products are the same.

    With the Cholesky factor L of the Gram matrix A Aᵀ, the rows of L are those of A, rotated. A rotation
    leaves an L2 penalty as it is, so a model fitted on L is the one fitted on A.

    Args:
        gram: float32 [rows, rows].

    Returns:
        float32 lower triangle [rows, rows].
    """
    jitter = _JITTER * max(float(np.trace(gram, dtype=np.float64)) / len(gram), 1e-12)
    added = jitter
    while True:  # the rounding of the Gram matrix grows with its greatest eigenvalue
        exact = gram.T.astype(np.float64)  # symmetric, and in Fortran's order: the factor takes its place
        exact[np.diag_indices_from(exact)] += added
        try:
            factor = linalg.cholesky(exact, lower=True, overwrite_a=True, check_finite=False)
            return factor.astype(np.float32)
        except linalg.LinAlgError:
            jitter *= 10
            added += jitter


def coordinates(lower: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Coordinates of other images in the basis.

    Args:
        lower: what `basis` returns.
        products: float32 [others, rows]: their inner products with the training images.

    Returns:
        float32 [others, rows].
    """
    return linalg.solve_triangular(lower, products.T, lower=True, check_finite=False).T


def add_products(total: np.ndarray, values: np.ndarray, scale: Scaling) -> None:
    """Add the inner products of the rows of a part, standardised in each set's way.

    Args:
        total: float32 [sets, rows, rows]; gets them in its lower triangles.
        values: float16 or float32 [rows, width].
        scale: of the part.
    """
    for columns in in_chunks(values.shape[1], len(values)):
        for index, matrix in enumerate(total):
            scaled = scale.apply(values, index, columns).T
            # In Fortran's order, in which BLAS works in place, the lower triangle is the upper one.
            summed = blas.ssyrk(1.0, scaled, beta=1.0, c=matrix.T, trans=1, overwrite_c=1)
            assert np.shares_memory(summed, matrix)


def mirrored(lower: np.ndarray) -> np.ndarray:
    """Fill the upper triangles of float32 [sets, rows, rows] in place with the lower ones."""
    rows = lower.shape[1]
    for start in range(0, rows, _TILE):
        at, below = slice(start, start + _TILE), slice(start + _TILE, rows)
        lower[:, at, below] = lower[:, below, at].transpose(0, 2, 1)
        tiles = np.tril(lower[:, at, at])
        lower[:, at, at] = tiles + np.tril(tiles, -1).transpose(0, 2, 1)
    return lower


def _scaling(read: Iterable[np.ndarray], width: int, training: np.ndarray) -> Scaling:
    """From the rows in order, float32 [some, width] at a time."""
    share = training / training.sum(axis=1, keepdims=True)
    mean = np.zeros((len(training), width))
    square = np.zeros_like(mean)
    shift: np.ndarray | None = None  # near the mean, so that the difference of squares keeps its digits
    at = 0
    for some in read:
        if shift is None:
            known = training[:, : len(some)].any(axis=0)  # what no set trains on rounds nothing
            shift = (some[known] if known.any() else some).mean(axis=0, dtype=np.float32)
        values = some - shift
        weight = share[:, at : at + len(some)].astype(np.float32)
        at += len(some)
        mean += weight @ values
        square += weight @ np.square(values, out=values)
    assert shift is not None
    variance = np.maximum(square - np.square(mean), 0)
    mean += shift
    whole = np.sqrt(variance.mean(axis=1) + mean.var(axis=1))[:, None]
    factor = 1 / ((np.sqrt(variance) + 1e-3 * whole + 1e-6) * np.sqrt(width))
    return Scaling(mean.astype(np.float32), factor.astype(np.float32))


def in_chunks(rows: int, width: int) -> Iterator[slice]:
    """Slices of rows that hold at most 64 MiB of float32 each."""
    step = max(1, _CHUNK // width)
    for start in range(0, rows, step):
        yield slice(start, min(rows, start + step))
