"""The stage `study`, from the manifest to what promotion needs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console

from headstart.components.shared.activations.store import prune
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import LABEL
from headstart.components.shared.files import replacing
from headstart.pipeline import project
from headstart.pipeline.config.design import Design
from headstart.pipeline.config.file import Config
from headstart.pipeline.data import manifest
from headstart.pipeline.report import files
from headstart.pipeline.results.study import StudyResults
from headstart.pipeline.study import candidate, estimate, inputs, plan, price, timing
from headstart.pipeline.study.base import load
from headstart.pipeline.study.collect import collect
from headstart.pipeline.study.embedders import RANDOM
from headstart.pipeline.study.lineage import Node
from headstart.pipeline.study.progress import Progress
from headstart.pipeline.study.run import run_pipeline
from headstart.pipeline.tracking import study_run
from headstart.pipeline.tracking.client import reach

if TYPE_CHECKING:
    from headstart.pipeline.study.graph import Inputs


def study(config: Config, console: Console, full: bool = False) -> StudyResults:
    """Run the study of the section `study`, or of `study.full`; see `run`."""
    if full:
        return run(config, config.study.full, project.FULL_STUDY, "headstart study --full", console)
    return run(config, config.study, project.STUDY, "dvc repro", console)


def run(
    config: Config, design: Design, folders: project.StudyFolders, command: str, console: Console
) -> StudyResults:
    """Train and evaluate all cells, judge transfer learning, log and report.

    Args:
        config: all parameters.
        design: which cells there are.
        folders: to fill.
        command: what the user typed, for records and messages.
        console: told what runs and what was found.

    Raises:
        HeadstartError: anything that the user can fix: no manifest, no reachable tracking server, no
            weights, another run in this folder, a component or a cell that failed.
    """
    started = time.time()
    rows = manifest.read()
    with project.lock():
        experiment = reach(config.dataset)
        console.print("[dim]loading TensorFlow and TFX …[/]")
        costs = timing.measure(
            config.base, config.train.batch_size, design, len({row[LABEL] for row in rows})
        )
        base = load(config.base, config.dataset)
        key = inputs.key(config, design, base)  # of the study that is wanted, whatever the budget leaves out
        config, design = estimate.within_budget(config, design, rows, costs, time.time() - started, console)
        cells, compared = plan.cells_of(design, rows), plan.compared_subsets(design, rows)
        estimate.show(config, cells, compared, rows, costs, console)

        wanted = inputs.build(config, base, cells, compared, rows, folders.pushed, console)
        predicted = {cell.node: sum(price.of_cell(config, cell, rows, costs)) for cell in cells}
        references = plan.references(compared, RANDOM in wanted.embedders)
        names = [(cell.strategy, cell.subset) for cell in cells] + references
        known = frozenset(study_run.cell_id(*name) for name in names)
        tags = _tags(command)
        described = study_run.Described(config, tags, key, known)
        with study_run.tracked(experiment, described) as runs:
            progress = Progress(cells, references, predicted, runs, console)
            candidate.withhold(folders)  # until this study has one; DVC's cache has the earlier one
            nodes = _run(wanted, progress, console)
            for node in wanted.embedders:
                prune(nodes[node].outputs["activations"], config.store.budget_gb * 1e9)

            results = collect(
                config.base,
                config.verdict,
                cells,
                references,
                nodes,
                progress.failures,
                rows,
                base,
            )
            with replacing(folders.reports) as reports:
                logged = files.write(results, config.dataset, config.base, rows, command, reports)
            runs.conclude(results, folders.reports, logged)
            if results.failures and not config.study.tolerate_failures:
                candidate.withhold(folders)  # Pusher may have pushed it
                raise HeadstartError(_failed(list(results.failures), command))
            origin = {**tags, "base": f"{config.base.architecture}, {config.base.weights}"}
            candidate.hand_over(results, nodes["Pusher"], folders, rows, base.seen, origin)
    return results


def _run(wanted: Inputs, progress: Progress, console: Console) -> dict[str, Node]:
    """Run the pipeline; the first run's schema is kept in the project."""
    from headstart.pipeline.study import schema
    from headstart.pipeline.study.graph import create_pipeline

    nodes = run_pipeline(lambda: create_pipeline(wanted), progress, console)
    schema.keep(wanted.data_path.name, nodes["SchemaGen"].outputs["schema"] / project.SCHEMA.name)
    return nodes


def _tags(command: str) -> dict[str, str]:
    """Of every run."""
    return {
        "manifest": manifest.fingerprint(),
        "data_version": project.data_version(),
        "git_commit": project.git_commit(),
        "trigger": project.trigger(command),
    }


def _failed(cells: list[str], command: str) -> str:
    some = ", ".join(cells[:3]) + (" …" if len(cells) > 3 else "")
    count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    return (
        f"{count} failed ({some}); the reasons are above and in the report. "
        f"`{command}` trains what failed and keeps the rest. To go on without it, set "
        "study.tolerate_failures in params.yaml to true."
    )
