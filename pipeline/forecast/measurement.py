"""How well the frozen head does with fewer of the training images, by out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from headstart.components.shared import subsets
from headstart.components.shared.linear import folds, gram, logistic
from headstart.components.shared.linear.features import Candidate, Features

REPEATS = 2  # times folds.FOLDS folds: ten draws of each number of images
SHARES = (0.1, 0.147, 0.215, 0.316, 0.464, 0.681, 1.0)  # of what the smallest fold leaves for training
LEAST = 2  # training images a class, on average: with fewer, a curve has not begun to fall as it goes on

# Inner products of more images take minutes. The curve is then that of so many of them, at random.
MOST = 5000

_TOLERANCE = 3e-3  # as in choice: an excess loss of 5e-6 nats an image
_UNSEEN = -1


@dataclass(frozen=True)
class Head:
    """What was chosen once, for all numbers of images."""

    candidate: Candidate
    penalty: float


@dataclass(frozen=True)
class Measurement:
    """Out-of-fold predictions at several numbers of training images."""

    sizes: np.ndarray  # int64 [sizes], ascending: training images
    labels: np.ndarray  # int64 [images]
    groups: np.ndarray  # int64 [images]
    predicted: np.ndarray  # int16 [sizes, repeats, images]; -1 where no fold holds the image out
    draw: np.ndarray  # int64 [repeats, images]: the draw that predicted, from 0; -1 as above

    @property
    def draws(self) -> int:
        """Draws of each number of images."""
        return int(self.draw.max()) + 1


def measure(
    features: Features,
    labels: np.ndarray,
    groups: np.ndarray,
    rows: np.ndarray,
    classes: int,
    head: Head,
    seed: int,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Measurement:
    """Predict every image by heads that were fitted on fewer and fewer of the images of other folds.

    Features are standardised on the training part of the fold alone. Subsets of a draw contain the smaller
    ones; they are stratified by class, and take groups as a whole.

    Args:
        features: of all images.
        labels: int [images]: classes of all images; only those of `rows` are used.
        groups: str or int [images]: images of one group stay together.
        rows: int64 [training images].
        classes: number of classes.
        head: blocks, grid and penalty, for all numbers of images.
        seed: of the folds and the subsets.
        told: of the draws that are done, and of how many there are.

    Returns:
        The predictions. Without any size where no fold can be made, or where all would be too small.
    """
    rows = folds.sample(rows, groups, MOST, seed)
    labels, groups = labels[rows], np.unique(groups[rows], return_inverse=True)[1]
    held_out = [folds.make(labels, groups, seed + repeat) for repeat in range(REPEATS)]
    most = min((int((~out).sum()) for one in held_out for out in one), default=0)
    least = LEAST * len(np.unique(labels))
    sizes = np.array([size for share in SHARES if (size := round(share * most)) >= least], np.int64)
    predicted = np.full((len(sizes), REPEATS, len(rows)), _UNSEEN, np.int16)
    draw = np.full((REPEATS, len(rows)), _UNSEEN, np.int64)
    count, total = 0, sum(map(len, held_out))
    for repeat, one in enumerate(held_out):
        for out in one:
            ((_, products),) = gram.grams(features, [head.candidate], rows, ~out[None])
            order = ordered(labels, groups, np.flatnonzero(~out), f"{seed} {count}")
            for number, size in enumerate(sizes):
                some = order[:size]
                logs = log_probabilities(products[0], labels, some, out, classes, head)
                predicted[number, repeat, out] = logs.argmax(axis=1)
            draw[repeat, out] = count
            count += 1
            told(count, total)
    return Measurement(sizes, labels, groups, predicted, draw)


def log_probabilities(
    products: np.ndarray, labels: np.ndarray, some: np.ndarray, out: np.ndarray, classes: int, head: Head
) -> np.ndarray:
    """Of the images held out, by a head on some others.

    Args:
        products: float32 [images, images]: inner products of the standardised features.
        labels: int [images].
        some: int64 [training images].
        out: bool [images]: those held out.
        classes: number of classes.
        head: blocks, grid and penalty.

    Returns:
        float32 [images held out, classes].
    """
    lower = gram.basis(products[np.ix_(some, some)])
    model = logistic.fit(
        logistic.LowerTriangle(lower), labels[some], classes, head.penalty, tolerance=_TOLERANCE
    )
    return model.log_probabilities(gram.coordinates(lower, products[np.ix_(out, some)]))


def ordered(labels: np.ndarray, groups: np.ndarray, rows: np.ndarray, seed: str) -> np.ndarray:
    """Rows so that any prefix is stratified by class, and whole groups lie together."""
    first = {int(groups[row]): int(row) for row in rows[::-1]}
    place = subsets.order(((str(group), int(labels[row])) for group, row in first.items()), seed)
    return np.array(sorted(rows, key=lambda row: (place[str(groups[row])], row)), np.int64)
