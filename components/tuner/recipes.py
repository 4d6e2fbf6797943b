"""The part of a search that trains networks: recipes by successive halving, then on every fold.

Optuna decides which recipes stop early: it is maintained, and its pruners are those of the literature. It
draws no recipes and stores no trials: all recipes are known when a search starts, and a search that was
resumed replays what the journal has, so that it decides as it did before.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import optuna

from headstart.components.tuner.journal import Trial, joined

# A recipe gets a ninth of its steps on one fold, then a third on another, then all of them on a third one.
# After each of these, about one recipe in three goes on (Li et al., arXiv:1810.05934), at last to all folds.
_REDUCTION = 3
_SHARES = (1 / 9, 1 / 3, 1.0)

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


def rungs(folds: int) -> Iterator[tuple[int, float, tuple[int, ...]]]:
    """What a recipe is trained on, rung by rung: resource, share of its steps, folds from 0."""
    for number, share in enumerate(_SHARES):
        yield _REDUCTION**number, share, (number % folds,)
    yield _REDUCTION ** len(_SHARES), 1.0, tuple(range(folds))


def search(
    recipes: Sequence[dict[str, Any]], folds: int, run: Run, score: Callable[[Trial], float]
) -> list[Trial]:
    """Train recipes until all are judged or the time is up.

    Args:
        recipes: in the order in which they are tried.
        folds: number of folds.
        run: trains one recipe on one fold, or takes it from the journal; None where the time is up.
        score: the objective, of a trial.

    Returns:
        For each recipe that was begun, the trial of its highest rung, as far as that was trained.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=_REDUCTION)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    found = []
    for recipe in recipes:
        trials, ended = _judged(study, recipe, folds, run, score)
        if trials:
            highest = max(one.share for one in trials)
            spent = sum(one.search_seconds for one in trials)
            whole = joined([one for one in trials if one.share == highest])
            found.append(replace(whole, search_seconds=spent))
        if not ended:
            break
    return found


def _judged(
    study: optuna.Study,
    recipe: dict[str, Any],
    folds: int,
    run: Run,
    score: Callable[[Trial], float],
) -> tuple[list[Trial], bool]:
    """The trials of a recipe, one a share and fold; and whether time is left for another recipe."""
    trial = study.ask()
    trials: dict[tuple[float, int], Trial] = {}
    for resource, share, some in rungs(folds):
        for fold in some:
            one = trials.get((share, fold)) or run(recipe, fold, share)
            if one is None:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
                return list(trials.values()), False
            trials[share, fold] = one
        value = score(joined([trials[share, fold] for fold in some]))
        trial.report(value, resource)
        if trial.should_prune():
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return list(trials.values()), True
    study.tell(trial, value)
    return list(trials.values()), True
