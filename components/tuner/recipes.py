"""The part of a search that trains networks: recipes by successive halving, then on every fold.

It is the synchronous halving of Jamieson and Talwalkar (arXiv:1502.07943). Every recipe gets a short trial
first. If the time is up, all have been compared. The study's own recipe is the exception: few steps say
little of a recipe that trains the whole base, and another replaces it only if it is better with all steps.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from headstart.components.tuner.journal import Trial, joined

# A recipe gets a ninth of its steps on one fold, then a third on another. After each, one in three goes on.
# The last one and the study's own get all steps on a third fold; the better of them goes on to more folds.
_SHARES = (1 / 9, 1 / 3)
_REDUCTION = 3

Run = Callable[[dict[str, Any], int, float], Trial | None]  # recipe, fold, share of its steps


def drawn(
    default: dict[str, Any], space: dict[str, Sequence[Any]], count: int, seed: int
) -> list[dict[str, Any]]:
    """Recipes to try: the default, then others of the grid at random.

    Args:
        default: what the study does without a search.
        space: values by setting.
        count: of recipes, at most.
        seed: another seed tries others.
    """
    every = [dict(zip(space, values)) for values in itertools.product(*space.values())]
    others = [one for one in every if one != default]
    random.Random(seed).shuffle(others)
    return [default, *others[: count - 1]]


def search(
    recipes: Sequence[dict[str, Any]],
    folds: int,
    run: Run,
    score: Callable[[Trial], float],
    ahead: Callable[[Trial], bool] | None,
) -> list[Trial]:
    """Train recipes until one of them is judged on all folds, is seen to be behind, or the time is up.

    Args:
        recipes: the study's own first, then the others in the order in which they are tried.
        folds: number of folds.
        run: trains one recipe on one fold, or takes it from the journal; None where the time is up.
        score: the objective, of a trial.
        ahead: whether a trial is better, on its folds, than what is chosen without these recipes. The best
            recipe is trained on a second fold, and on further ones as long as it is. None: on none, as these
            recipes cannot be chosen.

    Returns:
        For each recipe that was begun, the trial of its highest rung, as far as that was trained.
    """
    trained: dict[int, list[Trial]] = {}

    def goes_on(number: int, fold: int, share: float) -> bool:
        trial = run(recipes[number], fold, share)
        if trial is not None:
            trained.setdefault(number, []).append(trial)
        return trial is not None

    def ranked(numbers: list[int]) -> list[int]:
        return sorted(numbers, key=lambda number: -score(trained[number][-1]))  # of two equals, the earlier

    own, *running = range(len(recipes))
    for rung, share in enumerate(_SHARES):
        for number in running:
            if not goes_on(number, rung % folds, share):
                return _found(trained)
        running = ranked(running)[: max(1, len(running) // _REDUCTION)]
    seen = len(_SHARES) % folds
    for number in (own, *running):
        if not goes_on(number, seen, 1.0):
            return _found(trained)
    best = ranked([own, *running])[0]
    for fold in (one for one in range(folds) if one != seen):
        judged = joined([one for one in trained[best] if one.share == 1])
        if not (ahead and (len(judged.folds) == 1 or ahead(judged)) and goes_on(best, fold, 1.0)):
            break
    return _found(trained)


def _found(trained: dict[int, list[Trial]]) -> list[Trial]:
    """Of each recipe the folds of its highest rung as one trial, with the seconds of all its rungs."""
    found = []
    for _, trials in sorted(trained.items()):
        highest = joined([one for one in trials if one.share == trials[-1].share])
        found.append(replace(highest, search_seconds=sum(one.search_seconds for one in trials)))
    return found
