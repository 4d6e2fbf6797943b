"""The frozen part of a search: every head on every base, on all folds, from stored features."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headstart.components.shared.linear import gram, logistic
from headstart.components.shared.linear.choice import FINALISTS, MIDDLE, PENALTIES
from headstart.components.shared.linear.features import Candidate, Features, candidates
from headstart.components.shared.linear.folds import Folds
from headstart.components.shared.linear.on_folds import TOLERANCE, OnFolds
from headstart.components.tuner.budget import Budget
from headstart.components.tuner.journal import Journal, Trial
from headstart.components.tuner.scores import UNKNOWN

FROZEN = "frozen"
_KEPT = 1 << 29  # bytes of a head's fits; larger ones are made again


@dataclass(frozen=True)
class Stored:
    """The stored features of the training images by one base."""

    base: str  # its name in the settings of the search
    features: Features
    rows: np.ndarray  # int64 [images]: the images of the search
    embed_seconds: float  # wall, of one image


@dataclass(frozen=True)
class Problem:
    """What is classified, and how the folds part it."""

    labels: np.ndarray  # int64 [images]
    classes: int
    folds: Folds
    balanced: bool  # whether heads with class weights are tried too


def search(
    stores: list[Stored],
    problem: Problem,
    score: Callable[[Trial], float],
    journal: Journal,
    budget: Budget,
) -> list[Trial]:
    """Try every set of blocks on every grid of every base; then penalties and class weights of the best.

    Every head is fitted roughly at first, on all folds. The finalists, the best of all bases, are then fitted
    well; one more, as long as a head that was fitted roughly is better than all of them. The penalty with the
    lowest log-loss is taken, as log-loss is steadier than the objective. The objective decides all else.
    Trials that the journal has are not repeated. Once the budget is spent, no further trial begins; the first
    one always does.

    Args:
        stores: of the bases.
        problem: labels and folds.
        score: the objective, of a trial.
        journal: of the search.
        budget: of the whole search.

    Returns:
        One trial a head; a finalist's has its best penalty. One more a finalist, with class weights.
    """
    found: list[tuple[_Heads, Trial]] = []
    for stored in stores:
        of_base = _Heads(stored, problem, journal, budget)
        for grid in stored.features.grids:
            if found and budget.over():
                continue
            for trial in of_base.on_grid(grid):
                found = sorted([*found, (of_base, trial)], key=lambda one: -score(one[1]))
                for of_other, other in found[FINALISTS:]:
                    of_other.forget(other)
    well: list[Trial] = []
    for number, (of_base, rough) in enumerate(found):
        if number >= FINALISTS and score(rough) <= max(map(score, well)):
            return well + [trial for _, trial in found[number:]]
        well += of_base.finalist(rough)
    return well


class _Heads:
    """The heads of one base on the folds."""

    def __init__(self, stored: Stored, problem: Problem, journal: Journal, budget: Budget):
        self._stored, self._problem, self._journal, self._budget = stored, problem, journal, budget
        self._by_name = {(one.name, one.grid): one for one in candidates(stored.features)}
        self._fits: dict[Candidate, OnFolds] = {}  # fitted roughly; those of the best heads

    def on_grid(self, grid: int) -> Iterator[Trial]:
        """The heads on a grid with the middle penalty, fitted roughly."""
        missing, known_any = [], False
        for head in (one for one in self._by_name.values() if one.grid == grid):
            if known := self._known(self._key(head, MIDDLE, rough=True)):
                known_any = True
                yield known
            else:
                missing.append(head)
        if known_any and self._budget.over():
            return
        began = time.perf_counter()
        for head, fits in self._prepared(missing):
            if fits.bytes <= _KEPT:
                self._fits[head] = fits
            yield self._fitted(fits, self._key(head, MIDDLE, rough=True), began)
            if self._budget.over():
                return
            began = time.perf_counter()

    def forget(self, rough: Trial) -> None:
        """Free the memory that `finalist` would use."""
        self._fits.pop(self._head(rough), None)

    def finalist(self, rough: Trial) -> list[Trial]:
        """A head with its best penalty, and with class weights where they are to be tried.

        From the middle penalty the search goes to weaker and to stronger ones, each way while the log-loss
        falls.
        """
        head = self._head(rough)

        def trial(penalty: float, balanced: bool = False) -> Trial | None:
            key = self._key(head, penalty, balanced)
            if known := self._known(key):
                return known
            if self._budget.over():
                return None
            began = time.perf_counter()
            if head not in self._fits:  # the search goes on after a kill, or they are large
                ((_, self._fits[head]),) = self._prepared([head])
                self._fits[head].fit(MIDDLE, tolerance=logistic.ROUGH)
            return self._fitted(self._fits[head], key, began)

        best = trial(MIDDLE) or rough
        spent = rough.search_seconds + (best.search_seconds if best is not rough else 0.0)
        start = PENALTIES.index(MIDDLE)
        for way in (PENALTIES[start + 1 :], PENALTIES[:start][::-1]):
            for penalty in way:
                found = trial(penalty)
                spent += found.search_seconds if found else 0.0
                if found is None or np.nanmean(found.losses) >= np.nanmean(best.losses):
                    break
                best = found
        # What a rough fit takes is known of every head: the rule of one standard error compares these.
        trials = [replace(best, train_seconds=rough.train_seconds, search_seconds=spent)]
        if self._problem.balanced and (found := trial(best.settings["penalty"], balanced=True)):
            trials.append(replace(found, train_seconds=rough.train_seconds))
        self.forget(rough)
        return trials

    def _head(self, trial: Trial) -> Candidate:
        return self._by_name[trial.settings["blocks"], trial.settings["grid"]]

    def _prepared(self, heads: list[Candidate]) -> Iterator[tuple[Candidate, OnFolds]]:
        if not heads:
            return
        problem = self._problem
        found = gram.grams(self._stored.features, heads, self._stored.rows, problem.folds.training)
        for head, matrices in found:
            yield head, OnFolds(matrices, problem.labels, problem.folds, problem.classes)

    def _key(
        self, head: Candidate, penalty: float, balanced: bool = False, rough: bool = False
    ) -> dict[str, Any]:
        settings = {"blocks": head.name, "grid": head.grid, "penalty": penalty, "balanced": balanced}
        return {"strategy": FROZEN, "base": self._stored.base, "settings": settings, "rough": rough}

    def _known(self, key: dict[str, Any]) -> Trial | None:
        known = self._journal.get(key)
        if known:
            self._budget.spend(known.search_seconds)
        return known

    def _fitted(self, fits: OnFolds, key: dict[str, Any], began: float) -> Trial:
        """Fit on all folds and keep the trial; `began` is when the work for it began."""
        fitting = time.perf_counter()
        settings, tolerance = key["settings"], logistic.ROUGH if key["rough"] else TOLERANCE
        found = fits.fit(settings["penalty"], settings["balanced"], tolerance)
        ended = time.perf_counter()
        logs, labels = found.log_probabilities, self._problem.labels
        out = self._problem.folds.held_out.any(axis=0)
        predicted = np.full(len(labels), UNKNOWN, np.int32)
        predicted[out] = logs[out].argmax(axis=1)
        folds = len(self._problem.folds.held_out)
        trial = Trial(
            strategy=FROZEN,
            base=self._stored.base,
            settings=settings,
            share=1.0,
            folds=tuple(range(folds)),
            predicted=predicted,
            losses=-logs[np.arange(len(labels)), labels],
            train_accuracy=found.train_accuracy,
            train_seconds=(ended - fitting) / folds + self._stored.embed_seconds * len(labels),
            search_seconds=ended - began,
        )
        self._budget.spend(trial.search_seconds)
        return self._journal.put(key, trial)
