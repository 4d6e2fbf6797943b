"""`headstart plan`: from the store that the last study left to the answer, the page and the MLflow runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.files import replacing
from headstart.components.shared.linear import choice
from headstart.pipeline import project
from headstart.pipeline.config.file import Config
from headstart.pipeline.data import manifest
from headstart.pipeline.forecast import answer, measurement, page, photos, pool, scores, stored, thinning
from headstart.pipeline.report.forecast_chart import learning_curve
from headstart.pipeline.report.paths import PLAN, write_json
from headstart.pipeline.report.rendering import png
from headstart.pipeline.results.forecast import ClassAdvice, Forecast, PhotoAdvice, Plan
from headstart.pipeline.tracking import forecast_run

FOLDER, FIGURES = PLAN.parent, PLAN
PAGE, TO_LABEL = FOLDER / "plan.html", FOLDER / "to_label.csv"
METRICS = {"accuracy": ("accuracy", scores.accuracy), "macro_f1": ("macro F1", scores.macro_f1)}
_SEED = 0
_LEAST_SIZES = 4  # numbers of images, to fit three parameters


@dataclass(frozen=True)
class Wanted:
    """What the user asks for."""

    metric: str  # a key of `METRICS`, or "recall"
    target: float  # 0…1
    label: str = ""  # of a recall


@dataclass(frozen=True)
class ByClass:
    """Ask which class to label next, too."""

    price: float | None = None  # of one label


@dataclass(frozen=True)
class Photos:
    """Ask which photos to label first, too."""

    folder: Path
    count: int


def plan(
    config: Config,
    wanted: Sequence[Wanted],
    console: Console,
    by_class: ByClass | None = None,
    unlabelled: Photos | None = None,
) -> Plan:
    """How many more images each target takes, of which class, and which photos to label first.

    Args:
        config: all parameters.
        wanted: the targets; may be empty.
        console: told what is measured.
        by_class: None leaves out the classes.
        unlabelled: None leaves out the photos.

    Returns:
        A forecast for each target, in their order, the classes, and the photos. They are in `plan/` and in
        MLflow too.

    Raises:
        HeadstartError: no study has left a store of these images with this base; an unknown class; too few
            images; no photos in the folder.
    """
    rows = manifest.read()
    with project.lock():
        known = stored.read(config, rows)
        targets = [_target(one, known.labels) for one in wanted]
        if unlabelled:  # first, as it takes longest, and most can be wrong with a folder
            grids = StoredBlocks(known.train).grids
            found = pool.embed(unlabelled.folder, known.section, rows, grids, console)
        console.print(
            f"[dim]choosing the head by cross-validation on {len(known.train):,} training images …[/]"
        )
        head = _head(known)
        forecasts, classes = _measured(config.dataset, known, head, targets, by_class, console)
        advice: PhotoAdvice | None = None
        if unlabelled:
            advice = photos.advise(unlabelled.folder, found, known, head, unlabelled.count, _SEED)
        made = Plan(config.dataset, known.base, manifest.fingerprint(), forecasts, classes, advice)
        _write(made)
    forecast_run.log(made, _tags(), sorted(FOLDER.iterdir()))
    return made


def _head(known: stored.Stored) -> measurement.Head:
    """Blocks, grid and penalty, chosen on all training images as the strategy `frozen` does."""
    train = known.train
    features, groups, every = StoredBlocks(train), np.array(train.groups), np.arange(len(train))
    chosen = choice.choose(features, train.labels, groups, every, len(known.labels), _SEED)
    return measurement.Head(chosen.candidate, chosen.penalty)


def _measured(
    dataset: str,
    known: stored.Stored,
    head: measurement.Head,
    targets: Sequence[answer.Target],
    by_class: ByClass | None,
    console: Console,
) -> tuple[tuple[Forecast, ...], tuple[ClassAdvice, ...]]:
    """The forecasts and the classes, as far as they are asked for."""
    if not targets and not by_class:
        return (), ()
    train, labels, classes = known.train, known.labels, list[ClassAdvice]()
    features, groups, every = StoredBlocks(train), np.array(train.groups), np.arange(len(train))
    with console.status("measuring it on fewer images …") as status:
        measured = measurement.measure(
            features,
            train.labels,
            groups,
            every,
            len(labels),
            head,
            _SEED,
            lambda done, of: status.update(f"measuring it on fewer images: draw {done} of {of}"),
        )
        _check(measured, len(train), len(labels), targets)
        if by_class:
            classes = thinning.advise(
                features,
                train.labels,
                groups,
                every,
                labels,
                head,
                _SEED,
                by_class.price,
                lambda done, of: status.update(f"thinning one class at a time: fit {done} of {of}"),
            )
    grid = head.candidate.grid
    told = f"{head.candidate.name}, {grid} x {grid}, penalty {head.penalty:g}"
    about = answer.About(dataset, known.base, told, len(train))
    return tuple(answer.forecast(measured, one, about, _SEED) for one in targets), tuple(classes)


def _check(
    measured: measurement.Measurement, images: int, classes: int, targets: Sequence[answer.Target]
) -> None:
    """Refuse too few numbers of images, and the recall of a class that no fold holds out."""
    if len(measured.sizes) < _LEAST_SIZES:
        least = round(measurement.LEAST * classes / measurement.SHARES[-_LEAST_SIZES] * 1.25)
        raise HeadstartError(
            f"{images:,} training images of {classes} classes are too few for a learning curve: add "
            f"images until there are about {max(least, images + 1):,}, with more than one of each class "
            "that do not share a group."
        )
    held_out = measured.labels[(measured.draw >= 0).any(axis=0)]
    for one in targets:
        if one.label is not None and one.label not in held_out:
            raise HeadstartError(
                f"The {one.metric} cannot be measured: all training images of the class share one group. Add "
                "images of it that do not."
            )


def _target(wanted: Wanted, labels: list[str]) -> answer.Target:
    if wanted.metric != "recall":
        return answer.Target(*METRICS[wanted.metric], wanted.target)
    if wanted.label not in labels:
        raise HeadstartError(
            f"There is no class '{wanted.label}' in manifest.csv: name one of {', '.join(sorted(labels))}."
        )
    label = labels.index(wanted.label)
    return answer.Target(f"recall of {wanted.label}", scores.recall(label), wanted.target, label)


def _write(found: Plan) -> None:
    with replacing(FOLDER) as folder:
        folder.mkdir()
        html = page.render(found, time.strftime("%Y-%m-%d %H:%M"))
        (folder / PAGE.name).write_text(html, encoding="utf-8")
        write_json(folder / FIGURES.name, found.as_dict())
        if found.photos:
            photos.write(found.photos, folder / TO_LABEL.name)
        for number, one in enumerate(found.forecasts, 1):
            name = "curve.png" if len(found.forecasts) == 1 else f"curve-{number}.png"
            (folder / name).write_bytes(png(learning_curve(one)))


def _tags() -> dict[str, Any]:
    return {
        "manifest": manifest.fingerprint(),
        "data_version": project.data_version(),
        "git_commit": project.git_commit(),
        "trigger": project.trigger("headstart plan"),
    }
