"""`headstart compare`: which base is the better start? The same strategies on both, and a paired test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import PATH, TEST
from headstart.components.shared.strategies import names
from headstart.pipeline import project
from headstart.pipeline.config.design import Design
from headstart.pipeline.config.file import Config
from headstart.pipeline.data import manifest, seen
from headstart.pipeline.data.split import groups_of
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.study import base as bases
from headstart.pipeline.study.study import run
from headstart.pipeline.verdict.findings import Interval
from headstart.pipeline.verdict.statistics import EACH, accuracy, difference, holm
from headstart.pipeline.verdict.units import Units

COMMAND = "headstart compare"
FOLDER = Path("compare")


@dataclass(frozen=True)
class Contender:
    """What one base reaches: its best cell on the validation split."""

    weights: str
    cell: str
    accuracy: Interval  # on the test images, 0…1


@dataclass(frozen=True)
class Difference:
    """One base against the first, on the same test images."""

    weights: str
    gain: Interval  # of accuracy, the first base's less this one's
    p_value: float  # two-sided; with several bases adjusted by Holm's method


@dataclass(frozen=True)
class Comparison:
    """All bases, and each against the first."""

    contenders: list[Contender]
    differences: list[Difference]
    images: int  # test images that no base has seen
    left_out: int


def compare(config: Config, weights: Sequence[str], console: Console) -> Comparison:
    """Train the transfer strategies of the section `study` on all images, from each base, and compare.

    Args:
        config: all parameters.
        weights: of the bases, as `base.weights` takes them.
        console: told what runs.

    Raises:
        HeadstartError: fewer than two bases, or what a study raises.
    """
    if not _transfer(config):
        raise HeadstartError(
            "study.strategies in params.yaml has none that starts from a base: add frozen or fine_tune."
        )
    if len(set(weights)) < 2 or len(set(weights)) < len(weights):
        raise HeadstartError(
            "Name two bases or more, each once: `headstart compare --base champion imagenet`."
        )
    known = seen.NOTHING
    for one in weights:
        known |= bases.seen_by(bases.resolve(one, config.dataset))
    candidates = [_candidate(config, one, console) for one in weights]
    rows = sorted((row for row in manifest.read() if row["split"] == TEST), key=lambda row: row[PATH])
    units = groups_of(rows)
    spoilt = {unit for unit, row in zip(units, rows) if known.has(row)}
    clean = np.array([unit not in spoilt for unit in units])
    if not clean.any():
        raise HeadstartError(
            f"All {len(rows)} test images were used to train one of these bases, so none is left to compare "
            "them on: add new images to the test split."
        )
    return judge(list(weights), candidates, clean, units, config.verdict.confidence)


def judge(
    weights: list[str], cells: list[Cell], clean: np.ndarray, units: list[str], confidence: float
) -> Comparison:
    """Compare the cells' answers.

    Args:
        weights: of the bases.
        cells: the best one from each.
        clean: bool [test images]: which count.
        units: of each test image, the name of all that belong together.
        confidence: of the intervals, two-sided.
    """
    quantile = 1 - (1 - confidence) / 2
    grouped = Units(np.array(units)[clean]) if len(set(units)) < len(units) else EACH
    right = [
        np.array([[row["predicted"] == row["label"]] for row in cell.predictions])[clean] for cell in cells
    ]
    contenders = [
        Contender(one, cell.name, accuracy(table, None, grouped).interval(quantile))
        for one, cell, table in zip(weights, cells, right)
    ]
    found = [difference(right[0], table, (), grouped) for table in right[1:]]
    adjusted = holm([one.p_value for one in found])
    return Comparison(
        contenders,
        [Difference(*parts) for parts in zip(weights[1:], (d.interval(quantile) for d in found), adjusted)],
        int(clean.sum()),
        int((~clean).sum()),
    )


def _transfer(config: Config) -> tuple[str, ...]:
    return tuple(one for one in config.study.strategies if one in names("transfer"))


def _candidate(config: Config, weights: str, console: Console) -> Cell:
    console.print(f"\n[bold]base.weights: {weights}[/]")
    design = Design(
        strategies=_transfer(config),
        fractions=(1.0,),
        images_per_class=(),
        draws=1,
        frozen_draws=1,
        references=False,
    )
    changed = config.model_copy(
        update={
            "base": config.base.model_copy(update={"weights": weights}),
            "relatedness": config.relatedness.model_copy(update={"random_images": 0, "candidates": ()}),
        }
    )
    place = project.StudyFolders(FOLDER / re.sub(r"[^A-Za-z0-9._-]+", "-", weights).strip("-."))
    return run(changed, design, place, COMMAND, console).candidate
