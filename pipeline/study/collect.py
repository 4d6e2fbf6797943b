"""Reads what the nodes of a pipeline run left, and has it judged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from headstart.components.shared import predictions
from headstart.components.shared.features import PATH, TEST, TRAIN, VALIDATION
from headstart.pipeline.config import tuned
from headstart.pipeline.config.decisions import Thresholds
from headstart.pipeline.config.training import Base
from headstart.pipeline.data import accepted
from headstart.pipeline.data.split import groups_of
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.project import LETTERS
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.results.cross_validation import CrossValidation
from headstart.pipeline.results.study import StudyResults
from headstart.pipeline.study.base import LoadedBase
from headstart.pipeline.study.lineage import Node, forget
from headstart.pipeline.study.plan import PlannedCell
from headstart.pipeline.verdict.findings import REFERENCES
from headstart.pipeline.verdict.judge import judge

_CHAMPION = (
    "The base is this data set's own champion, which has learnt from all of its training images: what "
    "transfer reaches with few of them is no evidence that few are enough."
)
_UNCHANGED = (
    "The champion trained a head alone, so the base is unchanged: it is the one that the champion started "
    "from. The head of the strategy frozen is fitted with its penalty towards the champion's head."
)


def collect(
    base: Base,
    thresholds: Thresholds,
    planned: list[PlannedCell],
    references: list[tuple[str, Subset]],
    nodes: dict[str, Node],
    failed: dict[str, str],
    rows: list[dict[str, str]],
    loaded: LoadedBase | None = None,
) -> StudyResults:
    """Everything that a study found.

    Args:
        base: the base.
        thresholds: of the verdict.
        planned: the cells that were to train.
        references: which classifier was to be fitted on which subset.
        nodes: of the pipeline run.
        failed: why cells failed, by node.
        rows: the manifest.
        loaded: the base, for what is to be noted of a champion.
    """
    from headstart.components.evaluator import results
    from headstart.components.relatedness import report

    cells: list[Cell] = []
    failures: dict[str, str] = {}
    for plan in planned:
        if plan.node in failed:
            failures[plan.name] = failed[plan.node]
        else:
            cells.append(trained(plan, nodes[plan.node]))
    if "References" in nodes:
        for strategy, subset in references:
            cell = reference(strategy, subset, nodes["References"])
            if isinstance(cell, Cell):
                cells.append(cell)
            else:
                failures[f"{strategy}-{subset.name}"] = cell
        if any(name.startswith(REFERENCES) for name in failures):
            forget(nodes["References"].outputs["predictions"])
    chosen = nodes["Candidate"].outputs["model"]
    candidate = next(cell for cell in cells if cell.model and cell.model.parent == chosen)
    labels = candidate.figures["labels"]
    val_images = sum(row["split"] == VALIDATION for row in rows)
    judged = [cell.result(val_images) for cell in cells]
    test = sorted((row for row in rows if row["split"] == TEST), key=lambda row: row[PATH])
    verdict = judge(judged, thresholds, len(labels), _pretraining(base), groups_of(test))
    if base.weights == "champion":
        verdict = replace(verdict, notes=(*_of_champion(loaded, rows), *verdict.notes))
    if noted := accepted.read_notes().told:
        verdict = replace(verdict, notes=(*noted, *verdict.notes))
    validated = _cross_validation(nodes)
    if validated:
        told = validated.sentences(thresholds.max_overfit_gap)
        verdict = replace(verdict, findings=(*verdict.findings, *told))
    return StudyResults(
        cells=cells,
        failures=failures,
        candidate=candidate,
        evaluation=results.read(nodes["Evaluator"].outputs["evaluation"]),
        relatedness=report.read(nodes["Relatedness"].outputs["report"]),
        verdict=verdict,
        labels=labels,
        cross_validation=validated,
    )


def _cross_validation(nodes: dict[str, Node]) -> CrossValidation | None:
    """What the node found; None where the pipeline has none."""
    from headstart.components.cross_validation import figures

    if "CrossValidation" not in nodes:
        return None
    folder = nodes["CrossValidation"].outputs["predictions"]
    return CrossValidation(figures.read(folder), folder / figures.FILE)


def _of_champion(base: LoadedBase | None, rows: list[dict[str, str]]) -> list[str]:
    """What is to be noted where the base is a champion."""
    held_out = [row for row in rows if row["split"] != TRAIN]
    known = sum(base.seen.has(row) for row in held_out) if base else 0
    notes = [_CHAMPION]
    if known:
        notes.append(
            f"The champion was trained or chosen on {known:,} of the {len(held_out):,} validation and test "
            "images: accuracies on them are too high. Promotion leaves such test images out."
        )
    return [*notes, _UNCHANGED] if base and base.prior else notes


def figures(folder: Path) -> dict[str, Any]:
    """The figures of the cell that left this folder; of one that failed, `failure` alone."""
    from headstart.components.trainer import run_fn

    return run_fn.read(folder)[0]


def trained(plan: PlannedCell, node: Node) -> Cell:
    """A cell that was trained; its search time includes that of the stage `tune`."""
    from headstart.components.trainer import run_fn

    found, history = run_fn.read(node.outputs["model_run"])
    searched = tuned.read().seconds.get(plan.strategy, 0.0)
    found = {**found, "tuning_seconds": found["tuning_seconds"] + searched}
    return Cell(
        strategy=plan.strategy,
        subset=plan.subset,
        figures=found,
        history=history,
        predictions=predictions.read(node.outputs["model_run"]),
        cached=node.cached,
        model=node.outputs["model"] / "Format-Serving" if plan.promotable else None,
    )


def reference(strategy: str, subset: Subset, node: Node) -> Cell | str:
    """A reference classifier on a subset; where it failed, the reason."""
    from headstart.components.references.executor import folder_name

    place = node.outputs["predictions"] / folder_name(strategy, {"key": subset.key})
    found = json.loads((place / predictions.FIGURES).read_text(encoding="utf-8"))
    if "failure" in found:
        return str(found["failure"])
    return Cell(strategy, subset, found, [], predictions.read(place), node.cached)


def _pretraining(base: Base) -> float | None:
    """Seconds that pretraining the base took, where it is our own."""
    told = LETTERS.with_suffix("").with_suffix(".json")
    if base.weights != "letters" or not told.is_file():
        return None
    return float(json.loads(told.read_text(encoding="utf-8"))["seconds"])
