"""Which recipe the study gets: its own, unless another was better with all steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headstart.components.tuner import results, scores
from headstart.components.tuner.journal import Trial
from headstart.components.tuner.scores import UNKNOWN

IMAGES, FOLDS = 30, 3
HELD_OUT = np.arange(IMAGES) % FOLDS == np.arange(FOLDS)[:, None]
OWN = {"learning_rates": "auto", "unfreeze_depth": "auto"}
OTHER = {"learning_rates": [0.01], "unfreeze_depth": 2}
TUNE = {"objective": "accuracy", "one_standard_error": True, "fix_head": False}


def trial(strategy: str, settings: dict[str, Any], right: int, folds: tuple[int, ...], share: float) -> Trial:
    """So many of the ten images of a fold are right."""
    labels = np.arange(IMAGES) // FOLDS % 2
    predicted = np.where(np.arange(IMAGES) // FOLDS < right, labels, 1 - labels).astype(np.int32)
    predicted[~HELD_OUT[list(folds)].any(axis=0)] = UNKNOWN
    losses = np.zeros(IMAGES, np.float32)
    accuracy = (1.0,) * len(folds)
    return Trial(strategy, "base", settings, share, folds, predicted, losses, accuracy, 1.0, 1.0)


HEAD = trial("frozen", {"blocks": "all", "grid": 1, "penalty": 100.0, "balanced": False}, 7, (0, 1, 2), 1.0)


def hyperparameters(*recipes: Trial) -> dict[str, Any]:
    images = scores.Images(np.arange(IMAGES) // FOLDS % 2, np.arange(IMAGES), HELD_OUT, classes=2)
    found = results.of([HEAD], {"fine_tune": list(recipes)}, {"fine_tune": OWN}, images, ["a", "b"], TUNE, {})
    return {name: value for name, value in found.hyperparameters.items() if name.startswith("fine_tune")}


CHANGED = {"fine_tune.learning_rate": 0.01, "fine_tune.unfreeze_depth": 2}


@pytest.mark.parametrize(
    "own, other, expected",
    [
        ((6, (2,), 1.0), (8, (2,), 1.0), CHANGED),
        ((8, (2,), 1.0), (6, (2,), 1.0), {}),
        ((6, (2,), 1.0), (9, (1,), 1 / 3), {}),  # the other was never trained in full
        ((6, (2,), 1.0), (8, (2, 0), 1.0), CHANGED),
    ],
)
def test_another_recipe_replaces_the_studys_own_if_it_is_better_with_all_steps(own, other, expected) -> None:
    assert hyperparameters(trial("fine_tune", OWN, *own), trial("fine_tune", OTHER, *other)) == expected


def test_the_studys_own_recipe_stays_if_the_time_was_up_before_it_was_trained() -> None:
    assert hyperparameters(trial("fine_tune", OTHER, 9, (2,), 1.0)) == {}
    assert hyperparameters() == {}
