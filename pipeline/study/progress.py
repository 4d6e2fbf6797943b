"""What a running study prints: each node with its seconds, each cell with its result and the time left."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.predictions import FAILURE
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.project import LOGS, METADATA
from headstart.pipeline.study import collect, lineage
from headstart.pipeline.study.plan import PlannedCell
from headstart.pipeline.tracking.study_run import StudyRun

_STEPS = {
    "ImageExampleGen": "reading images",
    "StatisticsGen": "statistics",
    "SchemaGen": "schema",
    "ImportSchemaGen": "the schema of the accepted images",
    "StoppingExampleValidator": "looking for anomalies",
    "Transform": "the classes, and how images are decoded",
    "Decoder": "decoding and resizing",
    "Embedder": "running the frozen part once an image",
    "Embedder.random": "the same with random weights, to compare",
    "Tuner": "choosing hyperparameters by cross-validation",
    "Embedder.cut": "activations at the cut, for textbook and gradual",
    "Relatedness": "how related the base is to these images",
    "CrossValidation": "predicting each fold by the others",
    "References": "logistic regression and SVM, to compare",
    "Candidate": "choosing by validation accuracy",
    "Evaluator": "evaluating on slices",
    "Pusher": "handing over if blessed",
}


class Progress:
    """Is told of a study's nodes and trainings: prints and logs them, and remembers which cells failed."""

    def __init__(
        self,
        cells: list[PlannedCell],
        references: list[tuple[str, Subset]],
        predicted: dict[str, float],
        runs: StudyRun,
        console: Console,
    ):
        """Prepare to watch.

        Args:
            cells: the cells that are to train.
            references: the reference classifiers that are to be fitted, each with its subset.
            predicted: seconds that each cell is expected to take, by node.
            runs: the study in MLflow.
            console: where to print.
        """
        self.running = "The pipeline"  # the node that started last
        self.failures: dict[str, str] = {}  # why cells failed, by node
        self._cells = {cell.node: cell for cell in cells}
        self._references = references
        self._predicted = predicted
        self._runs = runs
        self._console = console
        self._done: set[str] = set()

    def begin(self, node: str) -> None:
        """A node is about to be launched."""
        self.running = node
        if self._console.is_terminal:
            name = self._cells[node].name if node in self._cells else node
            self._console.print(f"  {name} [dim]{_STEPS.get(node, '')} …[/]", end="\r")
        self._began = time.perf_counter()

    def training_began(self) -> None:
        """The cell's training begins: the cache does not have it."""
        cell = self._cells[self.running]
        self._runs.began(cell.strategy, cell.subset)

    def epoch_ended(self, row: dict[str, Any]) -> None:
        """An epoch of the training has ended."""
        self._runs.epoch(row)

    def end(self, node: str, info: Any, ran: bool) -> None:
        """A node has its outputs, from its own execution (`ran`), from TFX's cache or from a resolver."""
        took = f"{time.perf_counter() - self._began:.1f} s" if ran else "unchanged"
        if node in self._cells:
            self._cell_ended(self._cells[node], lineage.node(METADATA, info.execution_id), took)
            return
        step = f" [dim]({_STEPS[node]})[/]" if node in _STEPS else ""
        self._console.print(f"[green]✓[/] {node}: {took}{step}")
        if node == "Relatedness" and ran:
            _print_relatedness(Path(info.output_dict["report"][0].uri), self._console)
        if node == "References":
            self._references_ended(lineage.node(METADATA, info.execution_id))

    def _cell_ended(self, cell: PlannedCell, node: lineage.Node, took: str) -> None:
        """Print and log the result of a cell.

        What a failed cell left is removed: the next run tries it again.
        """
        self._done.add(cell.node)
        self.failures.pop(cell.node, None)  # of a first attempt, before a damaged store was made again
        folder = node.outputs["model_run"]
        figures = collect.figures(folder)
        if reason := figures.get("failure"):
            reason = f"{reason}; {_keep_traceback(folder, cell.node)} has the traceback"
            self.failures[cell.node] = reason
            lineage.forget(folder)
            self._runs.failed(cell.strategy, cell.subset, reason)
            mark, result = "[red]✗[/]", f"failed ({escape(reason)})"
        else:
            self._runs.ended(collect.trained(cell, node), node.began, node.ended)
            reached = "" if node.cached else f", validation accuracy {figures['val_accuracy']:.1%}"
            mark, result = "[green]✓[/]", took + reached
        left = _left(sum(self._predicted[one] for one in self._cells if one not in self._done))
        self._console.print(
            f"{mark} {cell.name}: {result} [dim](cell {len(self._done)} of {len(self._cells)}{left})[/]",
            soft_wrap=True,
        )
        if not node.cached and (recipe := figures.get("recipe")):
            self._console.print(f"  [dim]{escape(recipe)}[/]", soft_wrap=True)
        if all(one.node in self.failures for one in self._cells.values() if one.promotable):
            raise HeadstartError(
                "No cell on the largest subset could be trained, so there is nothing to evaluate: "
                "the failures above name the reasons."
            )

    def _references_ended(self, node: lineage.Node) -> None:
        for strategy, subset in self._references:
            found = collect.reference(strategy, subset, node)
            if isinstance(found, str):
                self._runs.failed(strategy, subset, found)
            else:
                self._runs.ended(found, found.figures["began"], found.figures["ended"])


def _keep_traceback(folder: Path, node: str) -> Path:
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{node}.log"
    shutil.copy(folder / FAILURE, log)
    return log


def _left(predicted: float) -> str:
    """The time that the remaining cells should take, as a clause; empty where none remain."""
    if not predicted:
        return ""
    return f", about {predicted / 60:.0f} min left" if predicted >= 90 else f", about {predicted:.0f} s left"


def _print_relatedness(folder: Path, console: Console) -> None:
    """What the probes say of the base, and the ranking of several bases."""
    from headstart.components.relatedness import report

    found = report.read(folder)
    colour = "yellow" if found["base"]["verdict"] in (report.WEAK, report.UNRELATED) else "dim"
    console.print(f"  [{colour}]{escape(found['base']['sentence'])}[/]", soft_wrap=True)
    if len(found["ranking"]) > 1:
        ranking = " > ".join(f"{one['base']} {one['ridge']:.3f}" for one in found["ranking"])
        console.print(f"  [dim]Bases by probe: {escape(ranking)}[/]", soft_wrap=True)
