from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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


def always(trial: Trial) -> bool:
    return True


def test_the_best_recipe_reaches_all_folds_and_weak_ones_stop_early() -> None:
    world = World()
    drawn = recipes.drawn({"rate": 5}, SPACE, 9, seed=1)
    found = {one.settings["rate"]: one for one in recipes.search(drawn, FOLDS, world.run, score, always)}
    assert sorted(found[9].folds) == [0, 1, 2]
    assert found[9].share == 1
    assert found[9].search_seconds == 5  # of all rungs: a second each in this world
    assert found[8].share == 1 / 3
    assert {found[rate].share for rate in (1, 2, 3, 4, 6, 7)} == {1 / 9}
    assert (found[5].share, found[5].folds) == (1, (2,))  # the study's own, in full against the best


def test_all_recipes_are_trained_a_little_before_one_is_trained_more() -> None:
    world = World()
    recipes.search(recipes.drawn({"rate": 5}, SPACE, 9, seed=1), FOLDS, world.run, score, always)
    shares = [share for _, _, share in world.trained]
    assert shares == [1 / 9] * 8 + [1 / 3] * 2 + [1.0] * (1 + FOLDS)
    full = [fold for rate, fold, share in world.trained if share == 1 and rate == 9]
    assert sorted(full) == [0, 1, 2]  # none twice


def test_a_recipe_that_is_no_better_with_all_steps_does_not_replace_the_studys_own() -> None:
    world = World()
    own, other = recipes.search(
        [{"rate": 9, "name": "own"}, {"rate": 9, "name": "other"}], FOLDS, world.run, score, always
    )
    assert (len(own.folds), len(other.folds)) == (3, 1)


def test_of_two_equal_recipes_the_earlier_goes_on() -> None:
    drawn = [{"rate": 1}, {"rate": 9, "name": "a"}, {"rate": 9, "name": "b"}]
    _, first, second = recipes.search(drawn, FOLDS, World().run, score, always)
    assert (first.share, second.share) == (1, 1 / 9)


@pytest.mark.parametrize("folds", [1, 2])
def test_with_few_folds_a_fold_is_used_again(folds: int) -> None:
    found = recipes.search([{"rate": 8}, {"rate": 9}], folds, World().run, score, always)
    assert sorted(found[1].folds) == list(range(folds))


def test_a_single_recipe_is_trained_in_full_alone() -> None:
    world = World()
    (found,) = recipes.search([{"rate": 9}], FOLDS, world.run, score, always)
    assert world.trained == [(9, 2, 1.0), (9, 0, 1.0), (9, 1, 1.0)]
    assert sorted(found.folds) == [0, 1, 2]


def test_recipes_that_cannot_be_chosen_go_to_no_further_fold() -> None:
    (found,) = recipes.search([{"rate": 9}], FOLDS, World().run, score, None)
    assert (found.share, len(found.folds)) == (1, 1)


def test_a_recipe_that_is_behind_on_two_folds_goes_no_further() -> None:
    world, asked = World(), []

    def ahead(trial: Trial) -> bool:
        asked.append(trial.folds)
        return False

    (found,) = recipes.search([{"rate": 9}], FOLDS, world.run, score, ahead)
    assert len(found.folds) == 2
    assert asked == [found.folds]


def test_when_the_time_is_up_what_was_trained_counts() -> None:
    world = World(most=5)  # a ninth and a third of one, all steps of both on one fold, then of it on another
    own, other = recipes.search([{"rate": 8}, {"rate": 9}], FOLDS, world.run, score, always)
    assert (own.share, len(own.folds)) == (1, 1)
    assert (other.share, len(other.folds)) == (1, 2)


def test_when_the_time_is_up_at_once_what_was_begun_counts() -> None:
    (found,) = recipes.search([{"rate": 8}, {"rate": 9}], FOLDS, World(most=1).run, score, always)
    assert (found.settings, found.share) == ({"rate": 9}, 1 / 9)


def test_without_time_for_a_single_trial_nothing_is_found() -> None:
    assert recipes.search([{"rate": 9}], FOLDS, World(most=0).run, score, always) == []
