"""Trains one recipe on one fold, or takes the trial from the journal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from headstart.components.shared.activations.store import Split, Store
from headstart.components.shared.features import TRAIN, VALIDATION
from headstart.components.tuner.below import Below
from headstart.components.tuner.budget import Budget
from headstart.components.tuner.heads import Problem
from headstart.components.tuner.journal import Journal, Trial
from headstart.components.tuner.scores import UNKNOWN

# Images. With fewer, a third of the steps shows an image to the network more than six times, so that it would
# gain from variations.
_FEWEST = 1000


@dataclass(frozen=True)
class Networks:
    """The networks of one strategy on one base."""

    strategy: str
    base: str  # its name
    sections: dict[str, Any]  # of params.yaml, that the strategy reads; `base` resolved
    images: Store  # decoded
    store: Store  # of the blocks' outputs
    rows: np.ndarray  # int64 [images]: the images of the search, among the training images
    problem: Problem
    trial_fn: Callable[..., Any]  # see components/trainer/trial.py
    journal: Journal
    budget: Budget
    tell: Callable[[Trial], None]  # of a new trial
    recipes: Sequence[dict[str, Any]]  # all that will be run

    def run(self, recipe: dict[str, Any], fold: int, share: float) -> Trial | None:
        """The trial of a recipe on a fold; None where the time is up before it has ended.

        Args:
            recipe: values by setting of the strategy's section.
            fold: from 0.
            share: of the recipe's steps.
        """
        cut = self._cut(recipe) if share < 1 else 0
        key = {
            "strategy": self.strategy,
            "base": self.base,
            "settings": recipe,
            "share": share,
            "folds": [fold],
            "cut": cut,
        }
        trial = self.journal.get(key)
        if trial is None:
            if self.budget.over():
                return None
            trial = self._trained(recipe, fold, share, cut)
            if trial is None:
                self.budget.spend(self.budget.left)
                return None
            self.journal.put(key, trial)
            self.tell(trial)
        self.budget.spend(trial.search_seconds)
        return trial

    def _trained(self, recipe: dict[str, Any], fold: int, share: float, cut: int) -> Trial | None:
        began = time.perf_counter()
        folds, labels = self.problem.folds, self.problem.labels
        training, out = (np.flatnonzero(one[fold]) for one in (folds.training, folds.held_out))
        inputs = self._below.outputs(cut) if cut else self._pixels
        found = self.trial_fn(
            strategy=self.strategy,
            settings={**self.sections, self.strategy: {**self.sections[self.strategy], **recipe}},
            depth=cut,
            training=inputs[TRAIN].rows(training),
            validation=inputs[VALIDATION],
            held_out=inputs[TRAIN].rows(out),
            stored={TRAIN: self._features.rows(training), VALIDATION: self.store.split(VALIDATION)},
            embed_seconds=self.store.seconds_per_view,
            classes=self.problem.classes,
            share=share,
            deadline=self.budget.deadline(),
        )
        if not found.complete:
            return None
        predicted = np.full(len(labels), UNKNOWN, np.int32)
        losses = np.full(len(labels), np.nan, np.float32)
        predicted[out] = found.probabilities.argmax(axis=1)
        losses[out] = -np.log(np.maximum(found.probabilities[np.arange(len(out)), labels[out]], 1e-12))
        return Trial(
            strategy=self.strategy,
            base=self.base,
            settings=recipe,
            share=share,
            folds=(fold,),
            predicted=predicted,
            losses=losses,
            train_accuracy=(found.train_accuracy,),
            train_seconds=found.seconds,
            search_seconds=time.perf_counter() - began,
        )

    @cached_property
    def _pixels(self) -> dict[str, Split]:
        """The images of the search, and those of the validation split."""
        return {TRAIN: self.images.split(TRAIN).rows(self.rows), VALIDATION: self.images.split(VALIDATION)}

    @cached_property
    def _features(self) -> Split:
        """What the base's blocks answer for the images of the search."""
        return self.store.split(TRAIN).rows(self.rows)

    @cached_property
    def _below(self) -> Below:
        return Below(self.sections["base"], self._pixels, sorted(filter(None, map(_depth, self.recipes))))

    def _cut(self, recipe: dict[str, Any]) -> int:
        """Blocks above the cut whose outputs the recipe's short trials train on; 0: they train on images."""
        depth = _depth(recipe)
        return depth if depth and len(self.rows) >= _FEWEST and self._below.fits(depth) else 0


def _depth(recipe: dict[str, Any]) -> int:
    """Blocks that a recipe unfreezes; 0 where these are all, or where it leaves something to the study."""
    depth = recipe.get("unfreeze_depth", 0)
    return 0 if "auto" in recipe.values() else max(0, depth)
