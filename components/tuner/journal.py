"""The trials of a search, each in a file as soon as it has ended: a killed search goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from headstart.components.shared.files import replacing
from headstart.components.tuner.scores import UNKNOWN


@dataclass(frozen=True)
class Trial:
    """A candidate that was trained on some folds."""

    strategy: str  # frozen, fine_tune, scratch
    base: str  # the base's name in the settings of the search
    settings: dict[str, Any]  # hyperparameters
    share: float  # of its steps; below 1 where successive halving tries it out
    folds: tuple[int, ...]  # that were trained, from 0
    predicted: np.ndarray = field(repr=False)  # int32 [images]; `scores.UNKNOWN` in other folds
    losses: np.ndarray = field(repr=False)  # float32 [images], nats; NaN in other folds
    train_accuracy: tuple[float, ...]  # of each of those folds
    train_seconds: float  # of one training, wall: the mean of those folds
    search_seconds: float  # wall, all that was spent


def joined(trials: Sequence[Trial]) -> Trial:
    """Trials of one candidate, each on other folds, as one."""
    first, *others = trials
    predicted, losses = first.predicted.copy(), first.losses.copy()
    for one in others:
        known = one.predicted != UNKNOWN
        predicted[known], losses[known] = one.predicted[known], one.losses[known]
    return replace(
        first,
        folds=tuple(fold for one in trials for fold in one.folds),
        predicted=predicted,
        losses=losses,
        train_accuracy=tuple(value for one in trials for value in one.train_accuracy),
        train_seconds=sum(one.train_seconds for one in trials) / len(trials),
        search_seconds=sum(one.search_seconds for one in trials),
    )


class Journal:
    """A folder of trials by key."""

    def __init__(self, folder: Path):
        """Open a folder; it need not exist."""
        self._folder = folder

    def get(self, key: dict[str, Any]) -> Trial | None:
        """The trial of a key, if it has ended."""
        file = self._file(key)
        if not file.is_file():
            return None
        with np.load(file) as found:
            about = json.loads(str(found["about"]))
            return Trial(
                **{**about, "folds": tuple(about["folds"]), "train_accuracy": tuple(about["train_accuracy"])},
                predicted=found["predicted"],
                losses=found["losses"],
            )

    def put(self, key: dict[str, Any], trial: Trial) -> Trial:
        """Keep a trial, whole or not at all."""
        about = {name: value for name, value in asdict(trial).items() if name not in ("predicted", "losses")}
        with replacing(self._file(key)) as fresh, fresh.open("wb") as file:
            np.savez(file, about=np.array(json.dumps(about)), predicted=trial.predicted, losses=trial.losses)
        return trial

    def _file(self, key: dict[str, Any]) -> Path:
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
        return self._folder / f"{digest}.npz"
