"""Which candidate is chosen, and what its score is worth: pure arithmetic on the scores by fold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.components.tuner.scores import Images, by_fold

_CHEAPER = 0.5  # of the seconds of the best: a candidate is preferred for its cost from here on
_REPLICATES = 200
_RANGE = (2.5, 97.5)  # percentiles of the interval


@dataclass(frozen=True)
class Choice:
    """The best and the chosen candidate, by index."""

    best: int
    chosen: int
    scores: np.ndarray  # float64 [candidates]: see `levelled`
    error: float  # standard error of the best's score over the folds


@dataclass(frozen=True)
class Estimate:
    """A score with its 95 % interval."""

    value: float
    low: float
    high: float


def levelled(scores: np.ndarray) -> np.ndarray:
    """Mean scores that compare candidates also where they were trained on different folds.

    A fold may be easier than another. So a candidate that was not trained on all folds gets the score of the
    reference, the best of those that were, plus its mean difference from it on the folds of both.

    Args:
        scores: float64 [candidates, folds], NaN where a fold was not trained; at least one row has none.

    Returns:
        float64 [candidates]; NaN where no fold was trained.
    """
    whole = np.flatnonzero(~np.isnan(scores).any(axis=1))
    reference = scores[whole[scores[whole].mean(axis=1).argmax()]]
    known = ~np.isnan(scores)
    difference = np.where(known, scores - reference, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore"):
        return reference.mean() + difference / known.sum(axis=1)


def choose(scores: np.ndarray, seconds: np.ndarray, one_standard_error: bool) -> Choice:
    """Take the best candidate, or one that is as good within one standard error at half the cost or less.

    The rule of one standard error is Breiman et al.'s (Classification and Regression Trees, 1984, 3.4.3).
    Here the simplest candidate is the one that trains fastest; of those that take at most twice its seconds,
    the one with the highest score is chosen.

    Args:
        scores: float64 [candidates, folds], as `levelled` takes it.
        seconds: float [candidates]: of one training, embedding included.
        one_standard_error: whether a cheaper candidate may be chosen.
    """
    means = levelled(scores)
    best = int(np.nanargmax(means))
    known = scores[best][~np.isnan(scores[best])]
    error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else 0.0
    chosen = best
    if one_standard_error:
        as_good = np.flatnonzero(means >= means[best] - error)
        least = seconds[as_good].min()
        if least <= _CHEAPER * seconds[best]:
            cheap = as_good[seconds[as_good] <= least / _CHEAPER]
            chosen = int(cheap[means[cheap].argmax()])
    return Choice(best, chosen, means, error)


def nested(
    predicted: np.ndarray,
    images: Images,
    objective: str,
    seconds: np.ndarray,
    one_standard_error: bool,
    seed: int,
) -> Estimate:
    """The score that the choice is worth on images that it was not made on.

    The best of many scores is too high. So the choice is repeated on images drawn with replacement, and
    scored on those that were not drawn: the bootstrap bias correction of cross-validation (BBC-CV,
    Tsamardinos et al. 2018, arXiv:1708.07180). It estimates what nested cross-validation does, without
    training again. Groups are drawn as a whole.

    Args:
        predicted: int [candidates, images], as `by_fold` takes it.
        images: what they are of.
        objective: a key of `scores.OBJECTIVES`.
        seconds: as `choose` takes it.
        one_standard_error: as `choose` takes it.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    groups = int(images.groups.max()) + 1
    found = []
    for _ in range(_REPLICATES):
        drawn = np.bincount(rng.integers(0, groups, groups), minlength=groups)[images.groups]
        inside = by_fold(predicted, images, objective, drawn.astype(float))
        if not (~np.isnan(inside)).all(axis=1).any():
            continue  # of very few groups, all of a fold's may be left out
        chosen = choose(inside, seconds, one_standard_error).chosen
        outside = by_fold(predicted[chosen : chosen + 1], images, objective, (drawn == 0).astype(float))
        if not np.isnan(outside).all():
            found.append(float(np.nanmean(outside)))
    if not found:
        found = [float(np.nanmax(levelled(by_fold(predicted, images, objective))))]
    low, high = np.percentile(found, _RANGE)
    return Estimate(float(np.mean(found)), float(low), float(high))
