"""Which blocks, grid and penalty: chosen by cross-validation on the training images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from components.linear import folds, gram, logistic
from components.linear.features import Candidate, Features, candidates, last_block

# C for rows of mean squared length 1; as a prior of the weights it does not depend on the number of images.
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
MIDDLE = 30.0  # at which the candidates are compared first
FINALISTS = 3  # candidates for which the penalty is searched
IMAGES = 1000  # to choose on
PER_CLASS = 10  # or as many of each class, where that is more
_TOLERANCE = 1e-3  # mean excess of a loss is half its square: far below what tells two candidates apart


@dataclass(frozen=True)
class Score:
    """What a candidate with a penalty reaches on the images that the folds hold out."""

    candidate: Candidate
    penalty: float
    accuracy: float  # 0…1
    log_loss: float  # nats an image


@dataclass(frozen=True)
class Choice:
    """The chosen candidate and penalty, and how they were chosen."""

    candidate: Candidate
    penalty: float
    scores: tuple[Score, ...]  # of every candidate at `MIDDLE`, then of the best at the other penalties
    last: Score | None  # the best of the last block alone
    early: Score | None  # a block a quarter of the way up, alone, on the finest grid
    images: int  # that the choice was made on
    scored: int  # held out in one fold or another
    folds: int


def choose(
    features: Features,
    labels: np.ndarray,
    groups: np.ndarray,
    rows: np.ndarray,
    classes: int,
    seed: int,
    among: list[Candidate] | None = None,
) -> Choice:
    """Choose by cross-validation.

    Args:
        features: of all images.
        labels: int [images]: classes of all images; only those of `rows` are used.
        groups: [images]: images of one group stay together in a fold.
        rows: int64 [training images]: the images to choose on.
        classes: number of classes.
        seed: of the folds and of the sample.
        among: the candidates; None means all that the features allow. With one, only the penalty is searched.
    """
    chosen = candidates(features) if among is None else among
    rows = _sample(labels, rows, seed)
    held_out = folds.make(labels[rows], groups[rows], seed)
    held_out = held_out[: 1 + int(np.searchsorted(np.cumsum(held_out.sum(axis=1)), IMAGES))]
    if not len(held_out):
        return Choice(last_block(features), MIDDLE, (), None, None, len(rows), 0, 0)
    early = Candidate("early", (features.blocks // 4,), features.grids[-1])
    wanted = [*chosen, early] if among is None else chosen
    screened = [
        (_scores(candidate, matrices, labels[rows], held_out, classes, (MIDDLE,))[0], matrices)
        for candidate, matrices in gram.grams(features, wanted, rows, ~held_out)
    ]
    screened.sort(key=lambda one: _rank(one[0]))
    scores = [score for score, _ in screened]
    finalists = [one for one in screened if one[0].candidate != early][:FINALISTS]
    for score, matrices in finalists:
        scores += [
            other
            for other in _scores(score.candidate, matrices, labels[rows], held_out, classes, PENALTIES)
            if other.penalty != MIDDLE
        ]
    best = min((s for s in scores if s.candidate != early), key=_rank)
    return Choice(
        best.candidate,
        best.penalty,
        tuple(scores),
        min((s for s in scores if s.candidate.name == "last"), key=_rank, default=None),
        next((s for s in scores if s.candidate == early), None),
        len(rows),
        int(held_out.sum()),
        len(held_out),
    )


def _rank(score: Score) -> tuple[float, float]:
    """The lower, the better."""
    return -score.accuracy, score.log_loss


def _scores(
    candidate: Candidate,
    matrices: np.ndarray,
    labels: np.ndarray,
    held_out: np.ndarray,
    classes: int,
    penalties: tuple[float, ...],
) -> list[Score]:
    """One score a penalty, ascending."""
    right, loss = np.zeros(len(penalties)), np.zeros(len(penalties))
    for matrix, out in zip(matrices, held_out):
        lower = gram.basis(matrix[np.ix_(~out, ~out)])
        others = gram.coordinates(lower, matrix[np.ix_(out, ~out)])
        model = None
        for index, penalty in enumerate(penalties):
            model = logistic.fit(logistic.Dense(lower), labels[~out], classes, penalty, model, _TOLERANCE)
            logs = model.log_probabilities(others)
            right[index] += (logs.argmax(axis=1) == labels[out]).sum()
            loss[index] -= logs[np.arange(len(logs)), labels[out]].sum()
    count = held_out.sum()
    return [Score(candidate, *figures) for figures in zip(penalties, right / count, loss / count)]


def _sample(labels: np.ndarray, rows: np.ndarray, seed: int) -> np.ndarray:
    """At most `IMAGES`, or `PER_CLASS` of each class if that is more; every class in proportion."""
    known = np.unique(labels[rows], return_counts=True)
    most = max(IMAGES, PER_CLASS * len(known[0]))
    if len(rows) <= most:
        return rows
    share = most / len(rows)
    rng = np.random.default_rng(seed)
    return np.sort(np.concatenate(list(_shares(labels, rows, known[0], share, rng))))


def _shares(
    labels: np.ndarray, rows: np.ndarray, present: np.ndarray, share: float, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    for label in present:
        members = rows[labels[rows] == label]
        yield rng.permutation(members)[: max(2, round(share * len(members)))]
