"""The stage `tune`, from the manifest to tuned.yaml, which the stage `study` reads."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console

from headstart.components.shared.files import replacing
from headstart.pipeline import project
from headstart.pipeline.config import tuned
from headstart.pipeline.config.file import Config
from headstart.pipeline.data import manifest
from headstart.pipeline.results.tuning import Search
from headstart.pipeline.study.run import run_pipeline
from headstart.pipeline.tracking import tuning_run
from headstart.pipeline.tracking.client import reach
from headstart.pipeline.tuning import inputs, page

FOLDER = project.TUNING


def tune(config: Config, console: Console) -> Search | None:
    """Search, log and write tuned.yaml; without `tune.enabled`, write it empty.

    Args:
        config: all parameters.
        console: told what runs and what was found.

    Returns:
        What was found; None where the search is off.

    Raises:
        HeadstartError: anything that the user can fix: no manifest, no folds, no weights, no reachable
            tracking server, another run in this folder, a component that failed.
    """
    if not config.tune.enabled:
        tuned.write(None)
        return None
    from headstart.components.tuner import results
    from headstart.pipeline.tuning.graph import create_pipeline

    rows = manifest.read()
    with project.lock():
        reach(config.dataset)
        console.print("[dim]loading TensorFlow and TFX …[/]")
        wanted = inputs.build(config, len(rows))
        nodes = run_pipeline(lambda: create_pipeline(wanted), _Steps(console), console)
        search = Search(config.dataset, results.read(nodes["Tuner"].outputs["tuner_results"]))
        _write(config, search)
        tuning_run.log(search, _tags(), sorted(FOLDER.iterdir()))
    return search


def _write(config: Config, search: Search) -> None:
    """tuned.yaml, and the folder with the candidates, the page and the charts."""
    found = search.results
    base = inputs.bases(config)[found.candidates[found.chosen].base]
    with replacing(FOLDER) as folder:
        folder.mkdir()
        page.write(search, folder, time.strftime("%Y-%m-%d %H:%M"))
    tuned.write(tuned.Tuned(base, found.hyperparameters, found.seconds, search.sentence))


def _tags() -> dict[str, Any]:
    return {
        "manifest": manifest.fingerprint(),
        "data_version": project.data_version(),
        "git_commit": project.git_commit(),
        "trigger": project.trigger("headstart tune"),
    }


class _Steps:
    """Prints each node of the search with its seconds; the Tuner itself prints its trials."""

    def __init__(self, console: Console):
        self.running = "The pipeline"
        self._console, self._began = console, 0.0

    def begin(self, node: str) -> None:
        """A node is about to be launched."""
        self.running, self._began = node, time.perf_counter()
        if node == "Tuner":
            self._console.print("  trials by cross-validation; Ctrl-C keeps those that have ended")

    def end(self, node: str, info: Any, ran: bool) -> None:
        """A node has its outputs."""
        took = f"{time.perf_counter() - self._began:.1f} s" if ran else "unchanged"
        self._console.print(f"[green]✓[/] {node}: {took}")

    def training_began(self) -> None:
        """Trials are told by the Tuner."""

    def epoch_ended(self, row: dict[str, Any]) -> None:
        """Their epochs are not logged."""
