"""`headstart plan`: from the store that the last study left to the answer, the page and the MLflow run."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.activations.store import CorruptedError, Split, Store
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import LABEL, PATH, TRAIN
from headstart.components.shared.files import replacing
from headstart.components.shared.linear import choice
from headstart.pipeline import project
from headstart.pipeline.config.file import Config
from headstart.pipeline.data import manifest
from headstart.pipeline.forecast import answer, measurement, page, scores, thinning
from headstart.pipeline.forecast.chart import learning_curve
from headstart.pipeline.report.paths import write_json
from headstart.pipeline.report.rendering import png
from headstart.pipeline.results.forecast import ClassAdvice, Plan
from headstart.pipeline.tracking import forecast_run

FOLDER = Path("plan")
PAGE, FIGURES = FOLDER / "plan.html", FOLDER / "plan.json"
METRICS = {"accuracy": scores.accuracy, "macro_f1": scores.macro_f1}
_NAMES = {"accuracy": "accuracy", "macro_f1": "macro F1"}
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


def plan(config: Config, wanted: Sequence[Wanted], console: Console, by_class: ByClass | None = None) -> Plan:
    """How many more images each target takes, and of which class.

    Args:
        config: all parameters.
        wanted: the targets.
        console: told what is measured.
        by_class: None leaves out the classes.

    Returns:
        A forecast for each target, in their order, and the classes. They are in `plan/` and in MLflow too.

    Raises:
        HeadstartError: no study has left a store of these images with this base; an unknown class; too few
            images.
    """
    rows = manifest.read()
    labels = sorted({row[LABEL] for row in rows})
    targets = [_target(one, labels) for one in wanted]
    with project.lock():
        split, base = _stored(config, rows)
        console.print(f"[dim]choosing the head by cross-validation on {len(split):,} training images …[/]")
        features, groups, every = StoredBlocks(split), np.array(split.groups), np.arange(len(split))
        chosen = choice.choose(features, split.labels, groups, every, len(labels), _SEED)
        head = measurement.Head(chosen.candidate, chosen.penalty)
        with console.status("measuring it on fewer images …") as status:
            measured = measurement.measure(
                features,
                split.labels,
                groups,
                every,
                len(labels),
                head,
                _SEED,
                lambda done, of: status.update(f"measuring it on fewer images: draw {done} of {of}"),
            )
            _check(measured, len(split), len(labels))
            classes: list[ClassAdvice] = []
            if by_class:
                classes = thinning.advise(
                    features,
                    split.labels,
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
        about = answer.About(config.dataset, base, told, len(split))
        found = Plan(tuple(answer.forecast(measured, one, about, _SEED) for one in targets), tuple(classes))
        _write(found)
    for one in found.forecasts:
        forecast_run.log(one, _tags(), sorted(FOLDER.iterdir()))
    return found


def _check(measured: measurement.Measurement, images: int, classes: int) -> None:
    """Refuse too few numbers of images."""
    if len(measured.sizes) < _LEAST_SIZES:
        least = round(measurement.LEAST * classes / measurement.SHARES[-_LEAST_SIZES] * 1.25)
        raise HeadstartError(
            f"{images:,} training images of {classes} classes are too few for a learning curve: add "
            f"images until there are about {max(least, images + 1):,}, with more than one of each class "
            "that do not share a group."
        )


def _stored(config: Config, rows: Sequence[manifest.Row]) -> tuple[Split, str]:
    """The training images in the store of the last study, and its base in words."""
    from headstart.pipeline.study.base import resolve
    from headstart.pipeline.study.embedders import BASE
    from headstart.pipeline.study.lineage import last_run

    remedy = "run `dvc repro` first, then `headstart plan` again."
    nodes = last_run(project.METADATA) if project.METADATA.is_file() else {}
    if BASE not in nodes or not nodes[BASE].outputs["activations"].is_dir():
        raise HeadstartError(f"No study in this folder has stored the outputs of the base: {remedy}")
    folder = nodes[BASE].outputs["activations"]
    try:
        store = Store(folder)
    except CorruptedError as error:
        raise HeadstartError(f"{error.path} is damaged or gone: {remedy}") from error
    section = {**config.base.model_dump(), "weights": resolve(config.base.weights, config.dataset)}
    if store.about["base"] != section:
        raise HeadstartError(f"The last study in this folder had another base than params.yaml: {remedy}")
    split = store.split(TRAIN)
    if set(split.paths) != {row[PATH] for row in rows if row["split"] == TRAIN}:
        raise HeadstartError(f"The last study in this folder had other training images: {remedy}")
    base = config.base
    return split, f"{base.architecture}, {Path(base.weights).name}, {base.image_size} px"


def _target(wanted: Wanted, labels: list[str]) -> answer.Target:
    if wanted.metric != "recall":
        return answer.Target(_NAMES[wanted.metric], METRICS[wanted.metric], wanted.target)
    if wanted.label not in labels:
        raise HeadstartError(
            f"There is no class '{wanted.label}' in manifest.csv: name one of {', '.join(labels)}."
        )
    return answer.Target(
        f"recall of {wanted.label}", scores.recall(labels.index(wanted.label)), wanted.target
    )


def _write(found: Plan) -> None:
    with replacing(FOLDER) as folder:
        folder.mkdir()
        html = page.render(found, time.strftime("%Y-%m-%d %H:%M"))
        (folder / PAGE.name).write_text(html, encoding="utf-8")
        write_json(folder / FIGURES.name, found.as_dict())
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
