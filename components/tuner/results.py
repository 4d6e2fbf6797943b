"""What a search leaves: every candidate with its scores, the choice, and what the choice is worth."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.components.tuner import choice, scores
from headstart.components.tuner.journal import Trial

FILE = "tuner_results.json"
SCRATCH = "scratch"
_SEED = 0  # of the bootstrap


@dataclass(frozen=True)
class Candidate:
    """A trial in figures."""

    strategy: str
    base: str  # its name
    settings: dict[str, Any]  # hyperparameters
    share: float  # of its steps; below 1 where it was stopped early
    scores: tuple[float | None, ...]  # of the objective, by fold; None where it was not trained
    score: float  # their mean, levelled if it was not trained on all folds
    error: float | None  # standard error over the folds; None with a single one
    train_accuracy: float  # mean of the folds
    held_out_accuracy: float  # of all images that its folds held out
    train_seconds: float  # of one training, wall, embedding included
    search_seconds: float  # wall, of all folds


@dataclass(frozen=True)
class Results:
    """What a search found. Indices are those of `candidates`."""

    objective: str
    folds: int
    images: int
    labels: tuple[str, ...]
    one_standard_error: bool
    candidates: tuple[Candidate, ...]
    best: int  # of those of transfer that were trained in full on all folds
    chosen: int  # the same, or one that costs half or less and is as good within a standard error
    recipes: dict[
        str, int
    ]  # the best of each strategy, of those with all steps; the study's own is among them
    nested: dict[str, float]  # value, low, high: what the choice is worth on images it was not made on
    confusion: tuple[tuple[int, ...], ...]  # of the chosen, out of fold: actual, predicted
    seconds: dict[str, float]  # wall, of the search, by strategy
    hyperparameters: dict[str, Any]  # what a Trainer of the study gets, by `section.setting`


def of(
    frozen: list[Trial],
    trained: dict[str, list[Trial]],
    own: dict[str, dict[str, Any]],
    images: scores.Images,
    labels: list[str],
    tune: dict[str, Any],
    seconds: dict[str, float],
) -> Results:
    """Choose among the trials.

    Args:
        frozen: heads on the frozen base, on all folds.
        trained: recipes by strategy.
        own: by strategy, the settings that the study has without a search. It keeps them where they were not
            compared, with all steps, with others.
        images: what the trials predicted.
        labels: names of the classes.
        tune: the section `tune` of params.yaml.
        seconds: of the search, by strategy.
    """
    everything = [*frozen, *(trial for some in trained.values() for trial in some)]
    predicted = np.stack([trial.predicted for trial in everything])
    by_fold = scores.by_fold(predicted, images, tune["objective"])
    levels = choice.levelled(by_fold)
    whole = ~np.isnan(by_fold).any(axis=1)  # on all folds: others have no standard error, or a worse one
    full = np.array([one.share == 1 and one.strategy != SCRATCH for one in everything])
    among = np.flatnonzero(full & whole)
    costs = np.array([everything[at].train_seconds for at in among])
    rule = tune["one_standard_error"]
    found = choice.choose(by_fold[among], costs, rule)
    best, chosen = int(among[found.best]), int(among[found.chosen])
    nested = choice.nested(predicted[among], images, tune["objective"], costs, rule, _SEED)
    recipes: dict[str, int] = {}
    for strategy, settings in own.items():
        rivals = [at for at, one in enumerate(everything) if one.strategy == strategy and one.share == 1]
        if any(everything[at].settings == settings for at in rivals):
            recipes[strategy] = max(rivals, key=lambda at: (len(everything[at].folds), levels[at]))
    if everything[chosen].strategy in recipes:
        recipes[everything[chosen].strategy] = chosen
    base = everything[chosen].base
    heads = [at for at, trial in enumerate(everything) if (trial.strategy, trial.base) == ("frozen", base)]
    frozen_head = everything[chosen if chosen in heads else max(heads, key=lambda at: levels[at])]
    used = [everything[at] for at in recipes.values() if everything[at].base == base]
    return Results(
        objective=tune["objective"],
        folds=len(images.held_out),
        images=len(images.labels),
        labels=tuple(labels),
        one_standard_error=rule,
        candidates=tuple(
            _figures(trial, row, float(level), images)
            for trial, row, level in zip(everything, by_fold, levels)
        ),
        best=best,
        chosen=chosen,
        recipes=recipes,
        nested=asdict(nested),
        confusion=_confusion(predicted[chosen], images),
        seconds=seconds,
        hyperparameters=_hyperparameters(frozen_head, used, tune["fix_head"]),
    )


def write(folder: Path, found: Results) -> None:
    """Write `tuner_results.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")


def read(folder: Path) -> Results:
    """Read what `write` wrote."""
    found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    found["candidates"] = tuple(
        Candidate(**{**one, "scores": tuple(one["scores"])}) for one in found["candidates"]
    )
    for name in ("labels", "confusion"):
        found[name] = tuple(tuple(one) if isinstance(one, list) else one for one in found[name])
    return Results(**found)


def _figures(trial: Trial, by_fold: np.ndarray, level: float, images: scores.Images) -> Candidate:
    known = by_fold[~np.isnan(by_fold)]
    seen = trial.predicted != scores.UNKNOWN
    return Candidate(
        strategy=trial.strategy,
        base=trial.base,
        settings=trial.settings,
        share=trial.share,
        scores=tuple(None if np.isnan(one) else float(one) for one in by_fold),
        score=level,
        error=float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else None,
        train_accuracy=float(np.mean(trial.train_accuracy)),
        held_out_accuracy=float((trial.predicted[seen] == images.labels[seen]).mean()),
        train_seconds=trial.train_seconds,
        search_seconds=trial.search_seconds,
    )


def _confusion(predicted: np.ndarray, images: scores.Images) -> tuple[tuple[int, ...], ...]:
    seen = predicted != scores.UNKNOWN
    pairs = images.labels[seen] * images.classes + predicted[seen]
    counts = np.bincount(pairs, minlength=images.classes**2).reshape(images.classes, images.classes)
    return tuple(tuple(int(one) for one in row) for row in counts)


def _hyperparameters(head: Trial, recipes: list[Trial], fix_head: bool) -> dict[str, Any]:
    """What Trainers get: the head's as far as it is fixed, and the recipe of each strategy that trains."""
    fixed = head.settings if fix_head else {"balanced": head.settings["balanced"]}
    found = {f"head.{name}": value for name, value in fixed.items()}
    for recipe in recipes:
        for name, value in recipe.settings.items():
            if value == "auto" or (isinstance(value, list) and len(value) > 1):
                continue  # the study's own way, as without a search
            single = isinstance(value, list)
            key = f"{recipe.strategy}.{name.removesuffix('s') if single else name}"
            found[key] = value[0] if single else value
    return found
