"""The stage `study`, from the manifest to what promotion needs."""

from __future__ import annotations

import json
import time

from rich.console import Console

from headstart.components.shared.activations.store import prune
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import LABEL
from headstart.pipeline import project, receipts
from headstart.pipeline.config.file import Config
from headstart.pipeline.data import manifest
from headstart.pipeline.project import CANDIDATE
from headstart.pipeline.report import files
from headstart.pipeline.results.study import StudyResults
from headstart.pipeline.study import estimate, price, timing
from headstart.pipeline.study.base import load
from headstart.pipeline.study.collect import collect
from headstart.pipeline.study.inputs import build, receipt
from headstart.pipeline.study.plan import cells_of, compared_subsets
from headstart.pipeline.study.progress import Progress
from headstart.pipeline.study.run import run_pipeline
from headstart.pipeline.tracking.client import Logged, reach
from headstart.pipeline.tracking.runs import log_study


def study(config: Config, console: Console, full: bool = False) -> StudyResults:
    """Train and evaluate all cells, judge transfer learning, log and report.

    Args:
        config: all parameters.
        console: told what runs and what was found.
        full: run the cells of `study.full`.

    Raises:
        HeadstartError: anything that the user can fix: no manifest, no reachable tracking server, no
            weights, another run in this folder, a component or a cell that failed.
    """
    started = time.time()
    trigger = "headstart study --full" if full else "dvc repro"
    rows = manifest.read()
    with project.lock():
        experiment = reach(config.dataset)
        console.print("[dim]loading TensorFlow and TFX …[/]")
        design = config.study.full if full else config.study
        costs = timing.measure(config, design, len({row[LABEL] for row in rows}))
        base = load(config)
        wanted = receipt(
            config, base
        )  # the same on a slow and a fast machine, whatever the budget leaves out
        config, design = estimate.within_budget(config, design, rows, costs, time.time() - started, console)
        cells, compared = cells_of(design, rows), compared_subsets(design, rows)
        estimate.show(config, cells, compared, rows, costs, console)

        inputs = build(config, base, cells, compared, rows, console)
        predicted = {cell.node: sum(price.of_cell(config, cell, rows, costs)) for cell in cells}
        progress = Progress(cells, predicted, console)
        nodes = run_pipeline(inputs, progress, console)
        for node in inputs.embedders:
            prune(nodes[node].outputs["activations"], config.store.budget_gb * 1e9)

        results = collect(config, cells, compared, nodes, progress.failures, rows)
        pictures = files.write(results, config, rows, trigger)
        tags = {
            "manifest": wanted["manifest"],
            "data_version": project.data_version(),
            "git_commit": project.git_commit(),
            "trigger": trigger,
        }
        logged = log_study(experiment, config, results, tags, started, pictures)
        if results.failures and not config.study.tolerate_failures:
            if not full:
                receipts.withdraw("study")  # so that DVC runs the stage again
            raise HeadstartError(_failed(list(results.failures), trigger))
        _hand_over(results, config.dataset, logged, wanted, full)
        if not full:  # the full study is no DVC stage
            receipts.write("study", wanted)
    return results


def _failed(cells: list[str], trigger: str) -> str:
    some = ", ".join(cells[:3]) + (" …" if len(cells) > 3 else "")
    count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    return (
        f"{count} failed ({some}); the reasons are above and in the report. "
        f"`{trigger}` trains what failed and keeps the rest. To go on without it, set "
        "study.tolerate_failures in params.yaml to true."
    )


def _hand_over(
    results: StudyResults, dataset: str, logged: Logged, wanted: dict[str, str], full: bool
) -> None:
    """Write what the stage `promote` needs to know of the candidate."""
    candidate = {
        "dataset": dataset,
        "run_id": logged.run_id,
        "model_uri": logged.model_uri,
        "model": str(results.candidate.model),
        "accuracy": results.evaluation.overall.metrics["accuracy"],
        "failures": results.evaluation.failures,
        "receipt": wanted,
        "full": full,
    }
    CANDIDATE.write_text(json.dumps(candidate, indent=2) + "\n", encoding="utf-8")
