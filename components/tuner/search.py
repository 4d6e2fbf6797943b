"""One search, from the stores to what was chosen: heads on all folds, then recipes, then the choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.activations.store import Split, Store
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import TRAIN
from headstart.components.shared.linear import folds as folding
from headstart.components.shared.strategies import BY_NAME
from headstart.components.tuner import heads, recipes, results, scores
from headstart.components.tuner.budget import Budget
from headstart.components.tuner.journal import Journal, Trial
from headstart.components.tuner.networks import Networks

MOST = 5000  # images of the search: inner products of more take minutes for each head
_TIE = 1e-9  # sums of differences that are no more are rounding
_SEED = 0  # of the sample of images and of the recipes


@dataclass(frozen=True)
class Search:
    """What a search works on; see `executor.Executor` for the settings."""

    settings: dict[str, Any]
    labels: list[str]  # names of the classes
    stores: dict[str, Store]  # of the blocks' outputs, by the name of the base
    images: dict[int, Store]  # decoded, by size
    trial_fn: Callable[..., Any]
    journal: Journal
    console: Console

    def run(self) -> results.Results:
        """Try heads, then recipes with what remains of the budget, shared equally by their strategies.

        Networks are trained on the base whose best head is best: one base that is trained takes longer than
        all heads on all bases.
        """
        tune = self.settings["tune"]
        budget = Budget(60 * tune["budget_minutes"])
        frozen = heads.search(
            [self._stored(name) for name in self.stores], self._problem, self._score, self.journal, budget
        )
        best = max(frozen, key=self._score)
        self._tell(best)
        spent = {heads.FROZEN: budget.spent}
        trained: dict[str, list[Trial]] = {}
        for number, strategy in enumerate(self.settings["trained"]):
            part = Budget(budget.left / (len(self.settings["trained"]) - number))
            trained[strategy] = self._trained(strategy, best, part)
            budget.spend(part.spent)
            spent[strategy] = part.spent
        own = {strategy: about["default"] for strategy, about in self.settings["trained"].items()}
        return results.of(frozen, trained, own, self._held_out, self.labels, tune, spent)

    @cached_property
    def _every(self) -> Split:
        """The training images, in the order of all stores."""
        return next(iter(self.stores.values())).split(TRAIN)

    @cached_property
    def _rows(self) -> np.ndarray:
        return folding.sample(np.arange(len(self._every)), np.array(self._every.groups), MOST, _SEED)

    @cached_property
    def _problem(self) -> heads.Problem:
        paths = [self._every.paths[row] for row in self._rows]
        folds = folding.read(Path(self.settings["manifest"]), paths, self.settings["by_time"])
        if not len(folds.held_out):
            raise HeadstartError(
                "No fold can be made of the training images: cross-validation needs two images of a class "
                "that do not share a group. Add images, or set tune.enabled to false in params.yaml."
            )
        labels = self._every.labels[self._rows]
        return heads.Problem(labels, len(self.labels), folds, self.settings["tune"]["class_weights"])

    @cached_property
    def _held_out(self) -> scores.Images:
        groups = np.unique(np.array(self._every.groups)[self._rows], return_inverse=True)[1]
        problem = self._problem
        return scores.Images(problem.labels, groups, problem.folds.held_out, problem.classes)

    def _score(self, trial: Trial) -> float:
        objective = self.settings["tune"]["objective"]
        return float(np.nanmean(scores.by_fold(trial.predicted[None], self._held_out, objective)))

    def _stored(self, name: str) -> heads.Stored:
        store = self.stores[name]
        return heads.Stored(name, StoredBlocks(store.split(TRAIN)), self._rows, store.seconds_per_view)

    def _tell(self, trial: Trial) -> None:
        settings = ", ".join(f"{name} {value}" for name, value in trial.settings.items())
        folds = f"{len(trial.folds)} folds" if len(trial.folds) > 1 else f"fold {trial.folds[0] + 1}"
        part = "" if trial.share == 1 else f", {trial.share:.0%} of the steps"
        self.console.print(
            f"  [dim]{trial.strategy}, {trial.base}, {settings}: {self._score(trial):.3f} ({folds}{part})[/]",
            soft_wrap=True,
        )

    def _trained(self, strategy: str, head: Trial, budget: Budget) -> list[Trial]:
        """Train the recipes of a strategy on the base of the best head."""
        base = head.base
        about, section = self.settings["trained"][strategy], self.settings["bases"][base]
        if BY_NAME[strategy].random_weights:
            section = {**section, "weights": "random"}
        drawn = recipes.drawn(about["default"], about["space"], about["recipes"], _SEED)
        networks = Networks(
            strategy=strategy,
            base=base,
            sections={**about["sections"], "base": section},
            images=self.images[section["image_size"]],
            store=self.stores[base],
            rows=self._rows,
            problem=self._problem,
            trial_fn=self.trial_fn,
            journal=self.journal,
            budget=budget,
            tell=self._tell,
            recipes=drawn,
        )

        def ahead(trial: Trial) -> bool:
            """Whether a recipe is better than the head on the recipe's folds."""
            both = np.stack([trial.predicted, head.predicted])
            found = scores.by_fold(both, self._held_out, self.settings["tune"]["objective"])
            return bool(np.nansum(found[0] - found[1]) > _TIE)

        chosen_from = BY_NAME[strategy].role == "transfer"
        folds = len(self._problem.folds.held_out)
        return recipes.search(drawn, folds, networks.run, self._score, ahead if chosen_from else None)
