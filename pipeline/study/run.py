"""Runs the TFX pipeline of a study in this process."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console

from headstart.components.shared.activations.store import CorruptedError, give_back
from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.project import METADATA
from headstart.pipeline.study.lineage import Node, last_run

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline


class Watching(Protocol):
    """Is told of the nodes, and of what trains in them."""

    running: str  # the node that started last

    def begin(self, node: str) -> None:
        """A node is about to be launched."""

    def end(self, node: str, info: Any, ran: bool) -> None:
        """A node has its outputs."""

    def training_began(self) -> None:
        """A training begins."""

    def epoch_ended(self, row: dict[str, Any]) -> None:
        """An epoch of a training has ended."""


def run_pipeline(pipeline: Callable[[], Pipeline], progress: Watching, console: Console) -> dict[str, Node]:
    """Run every node that TFX's cache does not answer; a damaged store is made again.

    Args:
        pipeline: makes it.
        progress: is told of the nodes and trainings, and knows afterwards which cells failed.
        console: told of a damaged store.

    Returns:
        The nodes of this run, with their outputs.

    Raises:
        HeadstartError: a component failed, or no cell could be trained.
    """
    from headstart.components.trainer import observers
    from headstart.pipeline.study.runner import WatchedRunner

    with observers.observed_by(progress):
        try:
            try:
                WatchedRunner(progress).run(pipeline())
            except CorruptedError as error:
                console.print(
                    f"[yellow]{error.path.name} is damaged or missing. It is made again, and so is what "
                    "was made from it.[/]",
                    soft_wrap=True,
                )
                give_back(error.path.parent)
                WatchedRunner(progress).run(pipeline())
        except Exception as error:
            raise _explain(error, progress.running) from error
    return last_run(METADATA)


def _explain(error: Exception, component: str) -> HeadstartError:
    """The sentence for the user; Beam wraps our own errors in its, as text."""
    if isinstance(error, HeadstartError):
        return error
    text = "".join(traceback.format_exception(error))
    ours = re.search(r"HeadstartError: (.+?)(?: \[while running.*)?$", text, re.MULTILINE)
    if ours:
        return HeadstartError(ours.group(1))
    first = (str(error).strip().splitlines() or [""])[0][:300]
    return HeadstartError(
        f"{component} failed ({type(error).__name__}: {first}). What was done before it is kept, and "
        "the same command resumes from there."
    )
