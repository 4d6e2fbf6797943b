from __future__ import annotations

from typing import Any

import numpy as np

from headstart.components.tuner import recipes
from headstart.components.tuner.journal import Trial
from headstart.components.tuner.scores import UNKNOWN

FOLDS = 3
SPACE = {"rate": [1, 2, 3, 4, 5, 6, 7, 8, 9]}


class World:
    """Recipes whose accuracy is known: that of the fold is `rate` of 10, a tenth more with all steps."""

    def __init__(self, most: int = 10**6):
        self.trained: list[tuple[int, int, float]] = []
        self.most = most

    def run(self, recipe: dict[str, Any], fold: int, share: float) -> Trial | None:
        if len(self.trained) == self.most:
            return None
        self.trained.append((recipe["rate"], fold, share))
        predicted = np.full(30, UNKNOWN, np.int32)
        predicted[10 * fold : 10 * fold + 10] = np.arange(10) < recipe["rate"]
        losses = np.zeros(30, np.float32)
        return Trial("fine_tune", "base", recipe, share, (fold,), predicted, losses, (1.0,), 1.0, 1.0)


def score(trial: Trial) -> float:
    return float((trial.predicted[trial.predicted != UNKNOWN] == 1).mean())


def test_the_default_recipe_is_first_and_none_comes_twice() -> None:
    drawn = recipes.drawn({"rate": 5}, SPACE, 9, seed=1)
    assert drawn[0] == {"rate": 5}
    assert sorted(one["rate"] for one in drawn) == SPACE["rate"]
    assert recipes.drawn({"rate": 5}, SPACE, 4, seed=1) == drawn[:4]


def test_a_default_outside_the_grid_is_tried_too() -> None:
    assert recipes.drawn({"rate": "auto"}, SPACE, 2, seed=1)[0] == {"rate": "auto"}


def test_the_best_recipe_reaches_all_folds_and_weak_ones_stop_early() -> None:
    world = World()
    found = recipes.search(recipes.drawn({"rate": 5}, SPACE, 9, seed=1), FOLDS, world.run, score)
    best = max(found, key=lambda one: (one.share, len(one.folds), score(one)))
    assert best.settings == {"rate": 9}
    assert best.folds == (0, 1, 2) or sorted(best.folds) == [0, 1, 2]
    assert {one.share for one in found if one.settings["rate"] <= 3} == {1 / 9}
    in_full = {rate for rate, _, share in world.trained if share == 1}
    assert len(in_full) < 5


def test_no_fold_is_trained_twice_with_all_steps() -> None:
    world = World()
    recipes.search([{"rate": 9}], FOLDS, world.run, score)
    full = [fold for _, fold, share in world.trained if share == 1]
    assert sorted(full) == [0, 1, 2]


def test_when_the_time_is_up_what_was_trained_counts() -> None:
    world = World(most=4)  # a ninth, a third, all steps on one fold, then one of the other folds
    (found,) = recipes.search([{"rate": 9}, {"rate": 8}], FOLDS, world.run, score)
    assert found.share == 1
    assert len(found.folds) == 2


def test_without_time_for_a_single_trial_nothing_is_found() -> None:
    assert recipes.search([{"rate": 9}], FOLDS, World(most=0).run, score) == []
