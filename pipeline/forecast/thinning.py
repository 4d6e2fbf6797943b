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
from headstart.pipeline.forecast.measurement import Head, Measurement, ordered, predict, sample
from headstart.pipeline.forecast.scores import bootstrap, macro_f1
from headstart.pipeline.results.forecast import Between, ClassAdvice

CLASSES = 12  # thinned: those with the lowest F1, which have most to gain
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

    The gain is in macro F1, where every class counts the same: a class that is rare among the images so far
    may not be rare where the model is used.

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
    rows = sample(rows, groups, seed)
    labels, groups = labels[rows], np.unique(groups[rows], return_inverse=True)[1]
    held_out = folds.make(labels, groups, seed)
    predicted = np.full((1 + len(names), len(rows)), -1, np.int16)
    products = []
    for out in held_out:
        ((_, matrices),) = gram.grams(features, [head.candidate], rows, ~out[None])
        products.append(matrices[0])
        predicted[0, out] = predict(matrices[0], labels, np.flatnonzero(~out), out, len(names), head)
    thinned = _weakest(labels, predicted[0], len(names))
    pairs = [(label, fold) for label in thinned for fold in range(len(products))]
    for number, (label, fold) in enumerate(pairs, 1):
        out = held_out[fold]
        some = _halved(labels, groups, np.flatnonzero(~out), label, f"{seed} {fold}")
        predicted[1 + label, out] = predict(products[fold], labels, some, out, len(names), head)
        told(number, len(pairs))
    draw = np.where(held_out.any(axis=0), held_out.argmax(axis=0), -1)
    kept = [0, *(1 + label for label in thinned)]
    found = Measurement(np.array(kept), labels, groups, predicted[kept][:, None], draw[None])
    replicates = bootstrap(found, macro_f1, np.random.default_rng(seed))
    gains = _NEXT * (replicates[:, :1] - replicates[:, 1:])
    advice = [
        ClassAdvice(
            names[label],
            int(counts[label]),
            int(counts[label]),
            Between(*(float(np.quantile(gain, at)) for at in (0.5, *RANGE))),
            None if price is None else price * int(counts[label]),
        )
        for label, gain in zip(thinned, gains.T)
    ]
    return sorted(advice, key=lambda one: one.gain_per_label, reverse=True)


def _weakest(labels: np.ndarray, predicted: np.ndarray, classes: int) -> list[int]:
    """Classes with two images or more, those with the lowest F1."""
    right = np.bincount(labels[predicted == labels], minlength=classes)
    seen = predicted >= 0
    both = np.bincount(labels[seen], minlength=classes) + np.bincount(predicted[seen], minlength=classes)
    order = np.argsort(right / np.maximum(both, 1), kind="stable")
    return [int(label) for label in order if (labels == label).sum() > 1][:CLASSES]


def _halved(labels: np.ndarray, groups: np.ndarray, rows: np.ndarray, label: int, seed: str) -> np.ndarray:
    """Rows without half of a class; whole groups go, as far as that halves it."""
    mine = ordered(labels, groups, rows[labels[rows] == label], f"{seed} half")
    return np.concatenate([rows[labels[rows] != label], mine[: (len(mine) + 1) // 2]])
