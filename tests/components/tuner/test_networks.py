"""What a trial is given: the fold's images, as pixels or as what the base outputs below the recipe's cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from headstart.components.shared.activations.shards import Rows
from headstart.components.shared.activations.store import Split
from headstart.components.shared.features import TRAIN, VALIDATION
from headstart.components.shared.linear.folds import Folds
from headstart.components.tuner import networks
from headstart.components.tuner.budget import Budget
from headstart.components.tuner.heads import Problem
from headstart.components.tuner.journal import Journal

IMAGES, CLASSES = 12, 2
BASE = {"architecture": "compact", "weights": "random", "image_size": 16, "options": {}}
SHALLOW = {"unfreeze_depth": 2, "batchnorm": "fixed", "learning_rates": [0.01]}
DEEP = {**SHALLOW, "unfreeze_depth": -1}
AUTO = {**SHALLOW, "learning_rates": "auto"}


@dataclass
class FakeStore:
    """Pixels are the number of the image."""

    seconds_per_view: float = 0.0

    def split(self, name: str) -> Split:
        count = IMAGES if name == TRAIN else 4
        pixels = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None, None], (count, 16, 16, 3))
        names = [f"{name}-{row:02}" for row in range(count)]
        numbers = np.arange(count)
        return Split([Rows(names, names, numbers % CLASSES, numbers, pixels=pixels)])


@pytest.fixture
def made(tmp_path: Path, monkeypatch):
    """Networks on three folds, and what its trials were given."""
    monkeypatch.setattr(networks, "_FEWEST", IMAGES)
    given: list[dict[str, Any]] = []

    def trial(**arguments: Any) -> SimpleNamespace:
        given.append(arguments)
        probabilities = np.full((len(arguments["held_out"]), CLASSES), 0.5)
        return SimpleNamespace(complete=True, probabilities=probabilities, train_accuracy=1.0, seconds=1.0)

    held_out = np.arange(IMAGES) % 3 == np.arange(3)[:, None]
    found = networks.Networks(
        strategy="fine_tune",
        base="base",
        sections={"base": BASE, "fine_tune": {"steps": 10}},
        images=FakeStore(),
        store=FakeStore(),
        rows=np.arange(IMAGES),
        problem=Problem(np.arange(IMAGES) % CLASSES, CLASSES, Folds(~held_out, held_out), False),
        trial_fn=trial,
        journal=Journal(tmp_path),
        budget=Budget(1e6),
        tell=lambda _: None,
        recipes=[SHALLOW, DEEP, AUTO],
    )
    return found, given


@pytest.mark.parametrize("recipe", [SHALLOW, DEEP, AUTO])
def test_all_steps_are_trained_on_pixels(made, recipe):
    found, given = made
    found.run(recipe, 1, 1.0)
    (arguments,) = given
    assert arguments["depth"] == 0
    assert arguments["held_out"].pixels(np.arange(4))[:, 0, 0, 0].tolist() == [1, 4, 7, 10]
    assert arguments["training"].pixels(np.arange(8))[:, 0, 0, 0].tolist() == [0, 2, 3, 5, 6, 8, 9, 11]
    assert arguments["stored"][TRAIN].paths == arguments["training"].paths
    assert arguments["settings"]["fine_tune"] == {"steps": 10, **recipe}


@pytest.mark.parametrize("recipe, cut", [(SHALLOW, 2), (DEEP, 0), (AUTO, 0)])
def test_short_trials_of_shallow_recipes_are_trained_below_their_cut(made, recipe, cut):
    found, given = made
    found.run(recipe, 1, 1 / 9)
    (arguments,) = given
    assert arguments["depth"] == cut
    assert arguments["held_out"].paths == [f"train-{row:02}" for row in (1, 4, 7, 10)]
    assert len(arguments["training"]) == 8
    assert (arguments["validation"].pixels(np.arange(1)).shape[-1] > 3) == bool(cut)


def test_with_few_images_short_trials_are_trained_on_pixels(made, monkeypatch):
    found, given = made
    monkeypatch.setattr(networks, "_FEWEST", IMAGES + 1)
    found.run(SHALLOW, 0, 1 / 9)
    assert given[0]["depth"] == 0


def test_a_trial_that_has_ended_is_not_repeated(made):
    found, given = made
    first = found.run(DEEP, 0, 1.0)
    again = found.run(DEEP, 0, 1.0)
    assert len(given) == 1
    np.testing.assert_array_equal(again.predicted, first.predicted)
    assert found.images.split(VALIDATION).paths == given[0]["validation"].paths
