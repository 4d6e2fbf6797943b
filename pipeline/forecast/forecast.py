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
from headstart.pipeline.forecast import answer, measurement, page, scores
from headstart.pipeline.forecast.chart import learning_curve
from headstart.pipeline.report.paths import write_json
from headstart.pipeline.report.rendering import png
from headstart.pipeline.results.forecast import Forecast
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


def plan(config: Config, wanted: Sequence[Wanted], console: Console) -> list[Forecast]:
    """How many more images each target takes.

    Args:
        config: all parameters.
        wanted: the targets.
        console: told what is measured.

    Returns:
        A forecast for each target, in their order. They are in `plan/` and in MLflow too.

    Raises:
        HeadstartError: no study has left a store of these images with this base; an unknown class; too few
            images.
    """
    rows = manifest.read()
    labels = sorted({row[LABEL] for row in rows})
    targets = [_target(one, labels) for one in wanted]
    with project.lock():
        split, about = _stored(config, rows)
        found = _measured(split, len(labels), console)
        described = answer.About(
            config.dataset, about, f"{found.head}, penalty {found.penalty:g}", len(split)
        )
        forecasts = [answer.forecast(found.scores, one, described, _SEED) for one in targets]
        _write(forecasts)
    for one in forecasts:
        forecast_run.log(one, _tags(), sorted(FOLDER.iterdir()))
    return forecasts


@dataclass(frozen=True)
class _Measured:
    head: str
    penalty: float
    scores: measurement.Measurement


def _measured(split: Split, classes: int, console: Console) -> _Measured:
    """Choose the head on all training images, then measure it on fewer."""
    features, groups, rows = StoredBlocks(split), np.array(split.groups), np.arange(len(split))
    console.print(f"[dim]choosing the head by cross-validation on {len(split):,} training images …[/]")
    chosen = choice.choose(features, split.labels, groups, rows, classes, _SEED)
    head = measurement.Head(chosen.candidate, chosen.penalty)
    with console.status("measuring it on fewer images …") as status:
        found = measurement.measure(
            features,
            split.labels,
            groups,
            rows,
            classes,
            head,
            _SEED,
            lambda done, of: status.update(f"measuring it on fewer images: draw {done} of {of}"),
        )
    if len(found.sizes) < _LEAST_SIZES:
        least = round(measurement.LEAST * classes / measurement.SHARES[-_LEAST_SIZES] * 1.25)
        raise HeadstartError(
            f"{len(split):,} training images of {classes} classes are too few for a learning curve: add "
            f"images until there are about {max(least, len(split) + 1):,}, with more than one of each class "
            "that do not share a group."
        )
    grid = chosen.candidate.grid
    return _Measured(f"{chosen.candidate.name}, {grid} x {grid}", chosen.penalty, found)


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


def _write(found: list[Forecast]) -> None:
    with replacing(FOLDER) as folder:
        folder.mkdir()
        (folder / PAGE.name).write_text(page.render(found, time.strftime("%Y-%m-%d %H:%M")), encoding="utf-8")
        write_json(folder / FIGURES.name, {"forecasts": [one.as_dict() for one in found]})
        for number, one in enumerate(found, 1):
            name = "curve.png" if len(found) == 1 else f"curve-{number}.png"
            (folder / name).write_bytes(png(learning_curve(one)))


def _tags() -> dict[str, Any]:
    return {
        "manifest": manifest.fingerprint(),
        "data_version": project.data_version(),
        "git_commit": project.git_commit(),
        "trigger": project.trigger("headstart plan"),
    }
