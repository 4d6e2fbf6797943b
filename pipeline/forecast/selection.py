"""Which photos of a pool to label first; pure.

Photos of which the head is unsure, spread over the pool (diverse mini-batch active learning, 1901.05954).
Where labels are so few that there is no head to speak of, typical photos that cover the pool (TypiClust,
2202.02794).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans

# Labelled images a class, on average, below which typical photos are chosen: the penalty of a head is chosen
# by cross-validation, which takes two of a class. docs/plan.md has what both rules gave with more.
FEW = 2

# A near copy is nearer than this share of the median distance (1 - cosine) between an image and the image
# nearest to it, which differs from base to base. docs/plan.md says what it finds.
NEAR = 0.2

TYPICAL, UNCERTAIN = "typical", "uncertain"

_MOST_CLUSTERS = 500  # as in TypiClust
_NEIGHBOURS = 20  # as in TypiClust: typicality is the inverse mean distance to so many
_LEAST_CLUSTER = 5  # as in TypiClust: smaller clusters are outliers
_UNSURE = 30  # times as many unsure photos are clustered as are chosen
_ROWS = 1024  # of a matrix of cosines at a time


@dataclass(frozen=True)
class Selection:
    """The photos to label, the first one first."""

    rows: np.ndarray  # int64 [chosen]: photos of the pool
    reason: str  # `TYPICAL` or `UNCERTAIN`


def select(
    pool: np.ndarray, labelled: np.ndarray, probabilities: np.ndarray, count: int, seed: int
) -> Selection:
    """Choose photos to label.

    Args:
        pool: float32 [photos, features]: embeddings of length 1, without near copies.
        labelled: float32 [images, features]: the same of the labelled images.
        probabilities: float [photos, classes]: the head's, of the pool.
        count: photos to choose; all if there are fewer.
        seed: of the clusters.
    """
    count = min(count, len(pool))
    if len(labelled) < FEW * probabilities.shape[1]:
        return Selection(typical(pool, labelled, count, seed), TYPICAL)
    return Selection(uncertain(pool, probabilities, count, seed), UNCERTAIN)


def typical(pool: np.ndarray, labelled: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The most typical photo of the largest cluster that has the fewest labelled images, again and again.

    Args:
        pool: as `select` takes it.
        labelled: as `select` takes it.
        count: photos to choose.
        seed: of the clusters.

    Returns:
        int64 [count], the first one first.
    """
    every = np.concatenate([pool, labelled])
    number = min(len(labelled) + count, _MOST_CLUSTERS)
    clusters = KMeans(number, n_init=1, random_state=seed).fit_predict(every)
    taken = np.bincount(clusters[len(pool) :], minlength=clusters.max() + 1)
    sizes = np.bincount(clusters, minlength=len(taken))
    with_photos = np.unique(clusters[: len(pool)])
    queues = {cluster: _by_typicality(every, clusters, cluster, len(pool)) for cluster in with_photos}
    chosen: list[int] = []
    while len(chosen) < count:
        left = [cluster for cluster, queue in queues.items() if queue]
        cluster = min(left, key=lambda one: (sizes[one] < _LEAST_CLUSTER, taken[one], -sizes[one]))
        chosen.append(queues[cluster].pop(0))
        taken[cluster] += 1
    return np.array(chosen, np.int64)


def uncertain(pool: np.ndarray, probabilities: np.ndarray, count: int, seed: int) -> np.ndarray:
    """The photos in the middle of clusters in which unsure photos weigh more.

    A photo weighs 1 - margin, the difference between the probabilities of its two likeliest classes.

    Args:
        pool: as `select` takes it.
        probabilities: as `select` takes it.
        count: photos to choose.
        seed: of the clusters.

    Returns:
        int64 [count], the smallest margin first.
    """
    second, first = np.sort(probabilities, axis=1)[:, -2:].T
    unsure = np.argsort(first - second, kind="stable")[: _UNSURE * count]
    weights = np.maximum(1 - (first - second)[unsure], 1e-6)
    clusters = KMeans(count, n_init=1, random_state=seed).fit(pool[unsure], sample_weight=weights)
    middle = np.unique(clusters.transform(pool[unsure]).argmin(axis=0))
    # A photo may be in the middle of two clusters, where photos coincide.
    others = np.setdiff1d(np.arange(len(unsure)), middle)[: count - len(middle)]
    return unsure[np.sort(np.concatenate([middle, others]))]


def unit(values: np.ndarray) -> np.ndarray:
    """Rows of length 1, float32 [rows, features]; a row of zeros stays."""
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)


def distinct(pool: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """The photos that are no near copy of a labelled image, nor of an earlier photo.

    Args:
        pool: as `select` takes it, near copies among them.
        labelled: as `select` takes it.

    Returns:
        bool [photos].
    """
    every = np.concatenate([labelled, pool])
    cosines = np.empty(len(every), every.dtype)
    for start in range(0, len(every), _ROWS):
        some = np.arange(start, min(start + _ROWS, len(every)))
        products = every[some] @ every.T
        products[some - start, some] = -1
        cosines[some] = products.max(axis=1)
    near = 1 - NEAR * (1 - np.median(cosines))
    kept = np.ones(len(every), bool)
    for row in len(labelled) + np.flatnonzero(cosines[len(labelled) :] >= near):
        close = every[:row] @ every[row] >= near
        kept[row] = not (close & kept[:row]).any()
    return kept[len(labelled) :]


def _by_typicality(values: np.ndarray, clusters: np.ndarray, cluster: int, pool: int) -> list[int]:
    """Photos of the pool in a cluster, the most typical one first."""
    members = np.flatnonzero(clusters == cluster)
    inside = values[members]
    squares = np.maximum(2 - 2 * inside @ inside.T, 0)  # of rows of length 1
    nearest = min(_NEIGHBOURS, len(members) - 1)
    mean = np.sort(np.sqrt(squares), axis=1)[:, 1 : nearest + 1].mean(axis=1) if nearest else np.zeros(1)
    return [int(members[at]) for at in np.argsort(mean, kind="stable") if members[at] < pool]
