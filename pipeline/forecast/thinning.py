"""Which class to label next: what each class is worth, by heads that were fitted on half of its images.

After Slice Tuner (2003.04549): one class at a time is thinned, the others stay. What the second half of a
class's images gave tells what as many images again would give: by a power law of 0.5, 0.7 of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from headstart.components.shared.linear import folds, gram
from headstart.components.shared.linear.features import Features
from headstart.pipeline.forecast.curve import RANGE
from headstart.pipeline.forecast.measurement import MOST, Head, log_probabilities, ordered
from headstart.pipeline.forecast.scores import REPLICATES
from headstart.pipeline.results.forecast import Between, ClassAdvice

CLASSES = 12  # thinned: those that are least often right, which have most to gain
_NEXT = 2**-0.5  # what a doubling gives, as a share of what the one before gave


def advise(
    features: Features,
    labels: np.ndarray,
    groups: np.ndarray,
    rows: np.ndarray,
    names: Sequence[str],
    head: Head,
    seed: int,
    price: float | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> list[ClassAdvice]:
    """The classes, the one first whose labels are expected to give most for each label.

    The gain is in the probability of the right class, averaged over the images of a class, then over the
    classes: a class that is rare among the images so far may not be rare where the model is used. It follows
    accuracy closely, and is steadier where a class has few images: Slice Tuner's log-loss, in plainer units.

    Args:
        features: of all images.
        labels: int [images]: classes of all images; only those of `rows` are used.
        groups: str or int [images]: images of one group stay together.
        rows: int64 [training images].
        names: of the classes.
        head: blocks, grid and penalty.
        seed: of the folds, of the halves and of the bootstrap.
        price: of one label.
        told: of the fits that are done, and of how many there are.
    """
    counts = np.bincount(labels[rows], minlength=len(names))
    rows = folds.sample(rows, groups, MOST, seed)
    labels, groups = labels[rows], np.unique(groups[rows], return_inverse=True)[1]
    held_out = folds.make(labels, groups, seed)
    right = np.full((1 + len(names), len(rows)), np.nan, np.float32)  # probability of the right class

    def fit(fold: int, some: np.ndarray) -> np.ndarray:
        out = held_out[fold]
        logs = log_probabilities(products[fold], labels, some, out, len(names), head)
        return np.exp(logs[np.arange(len(logs)), labels[out]])

    products = []
    for fold, out in enumerate(held_out):
        ((_, matrices),) = gram.grams(features, [head.candidate], rows, ~out[None])
        products.append(matrices[0])
        right[0, out] = fit(fold, np.flatnonzero(~out))
    thinned = _weakest(labels, right[0], len(names))
    pairs = [(label, fold) for label in thinned for fold in range(len(products))]
    for number, (label, fold) in enumerate(pairs, 1):
        training = np.flatnonzero(~held_out[fold])
        halves = _halves(labels, groups, training, label, f"{seed} {fold}")
        right[1 + label, held_out[fold]] = np.mean([fit(fold, half) for half in halves], axis=0)
        told(number, len(pairs))
    gains = _NEXT * _gains(right[:1] - right[[1 + label for label in thinned]], labels, groups, seed)
    advice = [
        ClassAdvice(
            names[label],
            int(counts[label]),
            int(counts[label]),
            Between(*(float(np.quantile(gain, at)) for at in (0.5, *RANGE))),
            None if price is None else price * int(counts[label]),
        )
        for label, gain in zip(thinned, gains)
    ]
    return sorted(advice, key=lambda one: one.gain_per_label, reverse=True)


def _weakest(labels: np.ndarray, right: np.ndarray, classes: int) -> list[int]:
    """Classes with two images or more that are held out; those with the least probability of being right."""
    seen = ~np.isnan(right)
    counts = np.bincount(labels[seen], minlength=classes)
    means = np.bincount(labels[seen], right[seen], classes) / np.maximum(counts, 1)
    return [int(label) for label in np.argsort(means, kind="stable") if counts[label] > 1][:CLASSES]


def _halves(
    labels: np.ndarray, groups: np.ndarray, rows: np.ndarray, label: int, seed: str
) -> list[np.ndarray]:
    """Rows with the one half of a class alone, and with the other."""
    others, mine = rows[labels[rows] != label], rows[labels[rows] == label]
    mine, middle = ordered(labels, groups, mine, seed), (len(mine) + 1) // 2
    halves = (mine[:middle], mine[middle:])
    return [np.concatenate([others, half]) for half in halves if len(half)]


def _gains(differences: np.ndarray, labels: np.ndarray, groups: np.ndarray, seed: int) -> np.ndarray:
    """Means over each class, then over the classes, by replicate: float64 [thinned, replicates]."""
    seen = ~np.isnan(differences[0])
    rng, count = np.random.default_rng(seed), int(groups.max()) + 1
    present = np.unique(labels[seen])
    found = []
    for _ in range(REPLICATES):
        weights = np.bincount(rng.integers(0, count, count), minlength=count)[groups[seen]]
        by_class = (np.where(labels[seen] == label, weights, 0) for label in present)
        means = [differences[:, seen] @ one / one.sum() for one in by_class if one.sum()]
        found.append(np.mean(means, axis=0))
    return np.array(found).T
