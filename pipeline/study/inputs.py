"""From `params.yaml`, the manifest and the planned cells to the inputs of the TFX pipeline."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.features import LABEL, TEST
from headstart.components.shared.files import replacing
from headstart.pipeline import code_digest
from headstart.pipeline.config import tuned
from headstart.pipeline.config.design import Design
from headstart.pipeline.config.file import Config
from headstart.pipeline.data import manifest
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.project import MANIFEST, WORK
from headstart.pipeline.study import data_path, embedders
from headstart.pipeline.study.base import LoadedBase
from headstart.pipeline.study.plan import PlannedCell
from headstart.pipeline.study.trainers import custom_config

if TYPE_CHECKING:
    from headstart.pipeline.study.graph import Inputs

# Sections that a study does not read, or that do not change what it finds.
_UNREAD = ("demo", "pretrain", "prepare", "promotion", "beam", "schedule", "tune")


def build(
    config: Config,
    base: LoadedBase,
    cells: list[PlannedCell],
    compared: list[Subset],
    rows: list[manifest.Row],
    pushed: Path,
    console: Console,
) -> Inputs:
    """The pipeline's inputs.

    Args:
        config: all parameters, as a budget may have reduced them.
        base: the base.
        cells: the cells.
        compared: subsets on which references are fitted.
        rows: the manifest.
        pushed: where a blessed model goes.
        console: told what the store has no room for.

    Raises:
        HeadstartError: weights of a base to be ranked are not available, or do not fit; or schema.pbtxt is
            damaged.
    """
    from headstart.components.evaluator.config import eval_config
    from headstart.pipeline.study.graph import Inputs

    planned = embedders.plan(config, base, cells, compared, rows)
    for note in planned.notes:
        console.print(f"[yellow]{escape(note)}.[/]", soft_wrap=True)
    columns = manifest.slice_columns(rows)
    sizes = Counter((name, row[name]) for row in rows if row["split"] == TEST for name in (LABEL, *columns))
    gated = sorted(pair for pair, count in sizes.items() if count >= config.gate.min_slice_images)
    return Inputs(
        data_path=data_path.of(config),
        pushed=pushed,
        embedders=planned.recipes,
        relatedness={
            "bases": _named(planned.candidates),
            "code": code_digest.of_component("relatedness.executor"),
        },
        cross_validation={
            "manifest": str(MANIFEST),
            "by_time": bool(config.prepare.time),
            "folds": manifest.folds_digest(),
            "head": {name.split(".")[1]: value for name, value in tuned.read().of("frozen").items()},
            "code": code_digest.of_component("cross_validation.executor"),
        },
        references=_references(compared) if compared else {},
        trainers={cell.node: custom_config(config, cell, base, planned.pixels) for cell in cells},
        hyperparameters=_staged(config, cells),
        eval_config=eval_config(
            len({row[LABEL] for row in rows}),
            columns,
            gated,
            config.gate.model_dump(),
            code_digest.of_component("evaluator.config", "evaluator.macro"),
        ),
    )


def _staged(config: Config, cells: list[PlannedCell]) -> dict[str, Path]:
    """What a search chose, by strategy: KerasTuner's JSON, in folders that are named by their content."""
    found, chosen = {}, tuned.read()
    for strategy in dict.fromkeys(cell.strategy for cell in cells):
        values = chosen.of(strategy)
        if not values or (strategy == "frozen" and config.head.kind == "dense"):
            continue
        text = json.dumps({"space": [], "values": values}, sort_keys=True) + "\n"
        folder = WORK / "tuned" / hashlib.sha256(text.encode()).hexdigest()[:16]
        with replacing(folder / "best_hyperparameters.txt") as fresh:
            fresh.write_text(text, encoding="utf-8")
        found[strategy] = folder
    return found


def key(config: Config, design: Design, base: LoadedBase) -> str:
    """Digest of all that goes into a study, whatever a budget leaves out: the same on any machine."""
    parts = {
        "manifest": manifest.fingerprint(),
        "params": config.model_dump(exclude={*_UNREAD, "study"}),
        "study": design.model_dump(),
        "weights": base.weights_digest,
        "tuned": asdict(tuned.read()),
        "code": code_digest.of_modules("headstart.pipeline.study.study"),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _references(compared: list[Subset]) -> dict[str, Any]:
    return {
        "cells": [{"key": one.key, **one.choice()} for one in compared],
        "code": code_digest.of_component("references.executor"),
    }


def _named(sections: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Bases by a name that tells them apart: weights by their file's name, where that is enough."""
    different = {json.dumps(section, sort_keys=True): section for section in sections}.values()
    short = Counter(_base_name(section, Path(section["weights"]).name) for section in different)
    named = {}
    for section in different:
        name = _base_name(section, Path(section["weights"]).name)
        named[name if short[name] == 1 else _base_name(section, section["weights"])] = section
    return named


def _base_name(section: dict[str, Any], weights: str) -> str:
    options = ", ".join(f"{name} {value}" for name, value in section["options"].items())
    return f"{section['architecture']} ({', '.join(filter(None, (weights, options)))})"
