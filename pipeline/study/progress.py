"""What a running study prints: each node with its seconds, each cell with its result and the time left."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.predictions import FAILURE
from headstart.pipeline.project import LOGS
from headstart.pipeline.study import collect
from headstart.pipeline.study.plan import PlannedCell

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
    "Relatedness": "how related the base is to these images",
    "References": "logistic regression and SVM, to compare",
    "Candidate": "choosing by validation accuracy",
    "Baseline": "finding the last blessed model",
    "Evaluator": "evaluating on slices",
    "Pusher": "handing over if blessed",
}


class Progress:
    """Watches the nodes of a pipeline run, prints what they do, and remembers which cells failed."""

    def __init__(self, cells: list[PlannedCell], predicted: dict[str, float], console: Console):
        """Prepare to watch.

        Args:
            cells: the cells that are to train.
            predicted: seconds that each is expected to take, by node.
            console: where to print.
        """
        self.running = "The pipeline"  # the node that started last
        self.failures: dict[str, str] = {}  # why cells failed, by node
        self._cells = {cell.node: cell for cell in cells}
        self._predicted = predicted
        self._console = console
        self._done: set[str] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While this lasts, every launch of a TFX node is reported."""
        from tfx.orchestration.portable import launcher

        launch = launcher.Launcher.launch

        def reported(node_launcher: Any) -> Any:
            node = node_launcher._pipeline_node.node_info.id
            self._begin(node)
            started = time.perf_counter()
            info = launch(node_launcher)
            self._end(node, info, time.perf_counter() - started)
            return info

        launcher.Launcher.launch = reported
        try:
            yield
        finally:
            launcher.Launcher.launch = launch

    def _begin(self, node: str) -> None:
        self.running = node
        if self._console.is_terminal:
            name = self._cells[node].name if node in self._cells else node
            self._console.print(f"  {name} [dim]{_STEPS.get(node, '')} …[/]", end="\r")

    def _end(self, node: str, info: Any, seconds: float) -> None:
        # Empty where the cache or a resolver answered.
        ran = bool(getattr(info, "execution_output_uri", None))
        took = f"{seconds:.1f} s" if ran else "unchanged"
        if node in self._cells:
            self._cell_ended(node, Path(info.output_dict["model_run"][0].uri), ran, took)
            return
        step = f" [dim]({_STEPS[node]})[/]" if node in _STEPS else ""
        self._console.print(f"[green]✓[/] {node}: {took}{step}")
        if node == "Relatedness" and ran:
            _print_relatedness(info, self._console)

    def _cell_ended(self, node: str, folder: Path, ran: bool, took: str) -> None:
        """Print the result of a cell.

        What a failed cell left is removed, so that TFX's cache does not take it for done: the next run
        tries it again.
        """
        self._done.add(node)
        self.failures.pop(node, None)  # of a first attempt, before a damaged store was made again
        figures = collect.figures(folder) if ran else {}
        mark, result = "[green]✓[/]", took
        if reason := figures.get("failure"):
            reason = f"{reason}; {_keep_traceback(folder, node)} has the traceback"
            self.failures[node] = reason
            shutil.rmtree(folder)
            mark, result = "[red]✗[/]", f"failed ({escape(reason)})"
        elif ran:
            result = f"{took}, validation accuracy {figures['val_accuracy']:.1%}"
        left = _left(sum(self._predicted[cell] for cell in self._cells if cell not in self._done))
        self._console.print(
            f"{mark} {self._cells[node].name}: {result} "
            f"[dim](cell {len(self._done)} of {len(self._cells)}{left})[/]",
            soft_wrap=True,
        )
        if recipe := figures.get("recipe"):
            self._console.print(f"  [dim]{escape(recipe)}[/]", soft_wrap=True)
        if all(cell.node in self.failures for cell in self._cells.values() if cell.promotable):
            raise HeadstartError(
                "No cell on the largest subset could be trained, so there is nothing to evaluate: "
                "the failures above name the reasons."
            )


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


def _print_relatedness(info: Any, console: Console) -> None:
    """What the probes say of the base, and the ranking of several bases."""
    from headstart.components.relatedness import report

    (artifact,) = info.output_dict["report"]
    found = report.read(Path(artifact.uri))
    colour = "yellow" if found["base"]["verdict"] in (report.WEAK, report.UNRELATED) else "dim"
    console.print(f"  [{colour}]{escape(found['base']['sentence'])}[/]", soft_wrap=True)
    if len(found["ranking"]) > 1:
        ranking = " > ".join(f"{one['base']} {one['ridge']:.3f}" for one in found["ranking"])
        console.print(f"  [dim]Bases by probe: {escape(ranking)}[/]", soft_wrap=True)
