"""Standardised features and their inner products between images (Gram matrices), in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from headstart.components.shared.linear.features import Candidate, Features, Part
from headstart.components.shared.linear.half import widened

_CHUNK = 1 << 24  # numbers of float32 in work at a time: 64 MiB
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

    The matrices of blocks add up, and candidates of one grid share their blocks: each block on each grid is
    read and multiplied once.

    Args:
        features: of all images.
        chosen: candidates, in any order.
        rows: int64 [rows]: the images to read.
        training: bool [sets, rows], as `scaling` takes it.

    Yields:
        A candidate and its float32 [sets, rows, rows]. Blocks are divided by the root of their number, so
        that a training row has a mean squared length of at most 1 whatever the candidate.
    """
    sums: dict[Candidate, np.ndarray] = {}
    for block in range(features.blocks - 1, -1, -1):
        known: dict[int, np.ndarray] = {}  # by width: a small map gives several grids the same features
        for candidate in chosen:
            if block not in candidate.blocks:
                continue
            width = features.width(block, candidate.grid)
            if width not in known:
                known[width] = _gram(features, (block, candidate.grid), rows, training)
            sums[candidate] = sums.get(candidate, np.float32(0)) + known[width] / len(candidate.blocks)
            if block == candidate.blocks[0]:
                yield candidate, sums.pop(candidate)


def basis(gram: np.ndarray) -> np.ndarray:
    """Coordinates of the training images in the space of their rows, where the inner products are the same.

    With the Cholesky factor L of the Gram matrix A Aᵀ, the rows of L are those of A, rotated. A rotation
    leaves an L2 penalty as it is, so a model fitted on L is the one fitted on A.

    Args:
        gram: float32 [rows, rows].

    Returns:
        float32 lower triangle [rows, rows].
    """
    exact = gram.astype(np.float64)
    jitter = _JITTER * max(float(np.trace(exact)) / len(exact), 1e-12)
    while True:  # the rounding of the Gram matrix grows with its greatest eigenvalue
        exact[np.diag_indices_from(exact)] += jitter
        try:
            return linalg.cholesky(exact, lower=True, check_finite=False).astype(np.float32)
        except linalg.LinAlgError:
            jitter *= 10


def coordinates(lower: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Coordinates of other images in the basis.

    Args:
        lower: what `basis` returns.
        products: float32 [others, rows]: their inner products with the training images.

    Returns:
        float32 [others, rows].
    """
    return linalg.solve_triangular(lower, products.T, lower=True, check_finite=False).T


def products(values: np.ndarray, scale: Scaling) -> np.ndarray:
    """Inner products of the rows of a part, standardised in each set's way.

    Args:
        values: float16 or float32 [rows, width].
        scale: of the part.

    Returns:
        float32 [sets, rows, rows].
    """
    sets, rows = len(scale.mean), len(values)
    total = np.zeros((sets, rows, rows), np.float32)
    for columns in in_chunks(values.shape[1], rows):
        for index in range(sets):
            scaled = scale.apply(values, index, columns)
            total[index] += scaled @ scaled.T
    return total


def _gram(features: Features, part: Part, rows: np.ndarray, training: np.ndarray) -> np.ndarray:
    values = widened(features.take(*part, rows))
    width = values.shape[1]
    scale = _scaling((values[some] for some in in_chunks(len(rows), width)), width, training)
    return products(values, scale)


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
