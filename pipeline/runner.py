"""Runs a study: checks first, then the TFX pipeline, then what it found goes to MLflow and the reports."""

from __future__ import annotations

import json
import re
import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.activations.store import CorruptedError, give_back, prune
from components.errors import HeadstartError
from components.features import LABEL
from components.predictions import FAILURE
from pipeline import collect, design, lineage, manifest, price, receipts, reports, timing, tracking
from pipeline.config import Config
from pipeline.inputs import inputs
from pipeline.outcome import Found
from pipeline.places import CANDIDATE, MANIFEST, WORK
from pipeline.verdict.words import seconds

_STEPS = {
    "ImageExampleGen": "reading images",
    "StatisticsGen": "statistics",
    "SchemaGen": "schema",
    "StoppingExampleValidator": "looking for anomalies",
    "Transform": "the classes, and how images are decoded",
    "Decoder": "decoding and resizing",
    "Embedder": "running the frozen part once an image",
    "Embedder.random": "the same with random weights, to compare",
    "Embedder.cut": "activations at the cut, for textbook and gradual",
    "Relatedness": "does the base suit these images",
    "References": "logistic regression and SVM, to compare",
    "Candidate": "choosing by validation accuracy",
    "Baseline": "finding the last blessed model",
    "Evaluator": "evaluating on slices",
    "Pusher": "handing over if blessed",
}


def study(config: Config, console: Console, full: bool = False) -> Found:
    """Train and evaluate by `config`; judge, log, report and hand over to promotion.

    Args:
        config: all parameters.
        console: told what runs and what was found.
        full: run the cells of `study.full`.

    Raises:
        HeadstartError: anything the user can mend: no manifest, a tracking server or weights out of reach,
            another run under way, a component that failed.
    """
    started, asked = time.time(), config
    rows = manifest.read(MANIFEST)
    wanted: design.Design = config.study.full if full else config.study
    WORK.mkdir(exist_ok=True)
    with _alone():
        experiment = tracking.reach(config.dataset)
        console.print("[dim]loading TensorFlow and TFX …[/]")
        costs = timing.measure(config, wanted, len({row[LABEL] for row in rows}))
        if config.study.budget_minutes:
            config, wanted = _fit_budget(config, wanted, rows, costs, time.time() - started, console)
        planned, compared = design.cells(wanted, rows), design.compared(wanted, rows)
        _show_price(config, planned, compared, rows, costs, console)
        made, receipt = inputs(config, asked, planned, compared, rows, console)
        predicted = {cell.node: sum(price.of_cell(config, cell, rows, costs)) for cell in planned}
        failures = _run(made, planned, predicted, console)
        nodes = lineage.last_run(WORK / "metadata.db")
        budget = config.store.budget_gb * 1e9
        for node in made.embedders:
            prune(nodes[node].outputs["activations"], budget)
        found = collect.collect(config, planned, compared, nodes, failures, rows)
        tags = {
            "manifest": manifest.fingerprint(MANIFEST),
            "data_version": _data_version(),
            "git_commit": tracking.commit(),
            "trigger": "headstart study --full" if full else "dvc repro",
        }
        pictures = reports.write(found, config, rows, "headstart study --full" if full else "dvc repro")
        logged = tracking.log_study(experiment, config, found, tags, started, pictures)
        handed = {
            "dataset": config.dataset,
            "run_id": logged.run_id,
            "model_uri": logged.model_uri,
            "model": str(found.candidate.model),
            "accuracy": found.evaluation.overall.metrics["accuracy"],
            "failures": found.evaluation.failures,
            "receipt": receipt,
            "full": full,
        }
        CANDIDATE.write_text(json.dumps(handed, indent=2) + "\n", encoding="utf-8")
        if not full:  # the full study is no DVC stage
            receipts.write("study", receipt)
        if found.failures:
            again = "headstart study --full" if full else "dvc repro -f study"
            console.print(f"[red]{len(found.failures)} cells failed[/]: `{again}` tries them again.")
    return found


def _fit_budget(
    config: Config,
    wanted: design.Design,
    rows: list[manifest.Row],
    costs: price.Costs,
    spent: float,
    console: Console,
) -> tuple[Config, design.Design]:
    """The largest study within `study.budget_minutes`; what it leaves out is printed."""
    minutes = config.study.budget_minutes
    fitted = price.fit_budget(config, wanted, rows, costs, minutes, spent)
    if fitted.left_out:
        console.print(
            f"[yellow]Left out, to stay within {minutes:g} minutes (study.budget_minutes): "
            f"{'; '.join(fitted.left_out)}.[/]",
            soft_wrap=True,
        )
    if not fitted.fits:
        console.print(f"[yellow]The smallest study takes longer than {minutes:g} minutes; it runs.[/]")
    return fitted.config, fitted.design


def _show_price(
    config: Config,
    planned: list[design.Planned],
    compared: list[design.Subset],
    rows: list[manifest.Row],
    costs: price.Costs,
    console: Console,
) -> None:
    """What each strategy will take, and when the study will be done; cached cells take no time."""
    found = price.prices(config, planned, rows, costs)
    before = price.before_cells(config, planned, compared, rows, costs)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("strategy", "cells", "training", "search"):
        table.add_column(column, justify="left" if column == "strategy" else "right")
    for one in found:
        search = seconds(one.search) if one.search else ""
        table.add_row(one.strategy, str(one.cells), seconds(one.training), search)
    console.print(table)
    whole = before + sum(one.total for one in found) + price.after_cells(compared)
    done = time.strftime("%H:%M", time.localtime(time.time() + whole))
    console.print(
        f"This study takes about {seconds(whole)}, {seconds(before)} of it before the first cell, and ends "
        f"at about {done}. Cells that an earlier study has trained take no time.",
        soft_wrap=True,
    )


def _run(
    made: Any, planned: list[design.Planned], predicted: dict[str, float], console: Console
) -> dict[str, str]:
    """Run the pipeline; why cells failed, by node."""
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    from pipeline import graph

    with _told(planned, predicted, console) as (running, failures):
        try:
            try:
                LocalDagRunner().run(graph.create_pipeline(made))
            except CorruptedError as error:
                console.print(
                    f"[yellow]{error.path.name} is damaged or gone. It is made again, and so is what "
                    "was made from it.[/]",
                    soft_wrap=True,
                )
                give_back(error.path.parent)
                LocalDagRunner().run(graph.create_pipeline(made))
        except Exception as error:
            raise _explain(error, running[-1] if running else "The pipeline") from error
    return failures


@contextmanager
def _told(
    planned: list[design.Planned], predicted: dict[str, float], console: Console
) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Say which component runs, for how long, or that its result was there; of cells, what is left.

    What a failed cell left is removed, so that TFX's cache does not take it for done: the next run tries
    it again.

    Yields:
        The nodes that ran, and why cells failed, by node.
    """
    from tfx.orchestration.portable import launcher

    launch = launcher.Launcher.launch
    running: list[str] = []
    cells = {cell.node: cell for cell in planned}
    done: set[str] = set()
    failures: dict[str, str] = {}

    def told(self: Any) -> Any:
        node = self._pipeline_node.node_info.id
        running.append(node)
        name = cells[node].name if node in cells else node
        started = time.perf_counter()
        if console.is_terminal:
            console.print(f"  {name} [dim]{_STEPS.get(node, '')} …[/]", end="\r")
        info = launch(self)
        ran = getattr(info, "execution_output_uri", None)  # not where the cache, or the resolver, answered
        took = f"{time.perf_counter() - started:.1f} s" if ran else "unchanged"
        if node not in cells:
            step = f" [dim]({_STEPS[node]})[/]" if node in _STEPS else ""
            console.print(f"[green]✓[/] {name}: {took}{step}")
        else:
            done.add(node)
            folder = Path(info.output_dict["model_run"][0].uri)
            figures = collect.figures(folder) if ran else {}
            why = figures.get("failure")
            failures.pop(node, None)  # of a first attempt, before the store was mended
            if why:
                failures[node] = why = f"{why}; {_keep_traceback(folder, node)} has the whole story"
                shutil.rmtree(folder)
            mark = "[green]✓[/]" if why is None else "[red]✗[/]"
            left = _left(sum(predicted[cell] for cell in cells if cell not in done))
            reached = f", validation accuracy {figures['val_accuracy']:.1%}" if ran and why is None else ""
            console.print(
                f"{mark} {name}: {took if why is None else f'failed ({escape(why)})'}{reached} "
                f"[dim](cell {len(done)} of {len(cells)}{left})[/]",
                soft_wrap=True,
            )
            if note := figures.get("recipe"):
                console.print(f"  [dim]{escape(note)}[/]", soft_wrap=True)
            if all(cell.node in failures for cell in planned if cell.promotable):
                raise HeadstartError(
                    "No cell on the largest subset could be trained, so that there is nothing to evaluate: "
                    "the failures above name the reasons."
                )
        if node == "Relatedness" and ran:
            _tell_relatedness(info, console)
        return info

    launcher.Launcher.launch = told
    try:
        yield running, failures
    finally:
        launcher.Launcher.launch = launch


def _keep_traceback(folder: Path, node: str) -> Path:
    log = WORK / f"{node}.log"
    shutil.copy(folder / FAILURE, log)
    return log


def _left(predicted: float) -> str:
    """The time that the cells to come should take, as a clause; empty where there are none."""
    if not predicted:
        return ""
    return f", about {predicted / 60:.0f} min left" if predicted >= 90 else f", about {predicted:.0f} s left"


def _tell_relatedness(info: Any, console: Console) -> None:
    """Before anything is trained: what the probes say of the base, and the ranking of several."""
    from components.relatedness import report

    (artifact,) = info.output_dict["report"]
    found = report.read(Path(artifact.uri))
    colour = "yellow" if found["base"]["verdict"] != "related" else "dim"
    console.print(f"  [{colour}]{escape(found['base']['sentence'])}[/]", soft_wrap=True)
    if len(found["ranking"]) > 1:
        told = " > ".join(f"{one['base']} {one['ridge']:.3f}" for one in found["ranking"])
        console.print(f"  [dim]Bases by probe: {escape(told)}[/]", soft_wrap=True)


@contextmanager
def _alone() -> Iterator[None]:
    """Two studies would race for one metadata store."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(WORK / "lock", timeout=0):
            yield
    except Timeout:
        raise HeadstartError(
            f"Another run is under way in this folder (it holds {WORK / 'lock'}): wait for it, or stop it."
        ) from None


def _explain(error: Exception, component: str) -> HeadstartError:
    """The sentence for the user; Beam wraps our own errors in its, as text."""
    if isinstance(error, HeadstartError):
        return error
    text = "".join(traceback.format_exception(error))
    ours = re.search(r"HeadstartError: (.+?)(?: \[while running.*)?$", text, re.MULTILINE)
    if ours:
        return HeadstartError(ours.group(1))
    log = WORK / "error.log"
    log.write_text(text, encoding="utf-8")
    first = (str(error).strip().splitlines() or [""])[0][:300]
    return HeadstartError(
        f"{component} failed ({type(error).__name__}: {first}): {log} has the whole story; what was done "
        "before it is kept, and `dvc repro` goes on from there."
    )


def _data_version() -> str:
    """DVC's digest of the data folder, as data.dvc has it; empty where the data is not tracked."""
    found = re.search(r"md5: (\S+)", Path("data.dvc").read_text()) if Path("data.dvc").is_file() else None
    return found.group(1) if found else ""
