"""Runs the TFX pipeline of a study in this process."""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING

from rich.console import Console

from headstart.components.shared.activations.store import CorruptedError, give_back
from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.project import METADATA, SCHEMA
from headstart.pipeline.study.lineage import Node, last_run
from headstart.pipeline.study.progress import Progress

if TYPE_CHECKING:
    from headstart.pipeline.study.graph import Inputs


def run_pipeline(inputs: Inputs, progress: Progress, console: Console) -> dict[str, Node]:
    """Run every node that TFX's cache does not answer; a damaged store is made again.

    The first run's schema is kept in the project.

    Args:
        inputs: of the pipeline.
        progress: is told of the nodes and trainings, and knows afterwards which cells failed.
        console: told of a damaged store.

    Returns:
        The nodes of this run, with their outputs.

    Raises:
        HeadstartError: a component failed, or no cell could be trained.
    """
    from headstart.components.trainer import observers
    from headstart.pipeline.study import schema
    from headstart.pipeline.study.graph import create_pipeline
    from headstart.pipeline.study.runner import WatchedRunner

    with observers.observed_by(progress):
        try:
            try:
                WatchedRunner(progress).run(create_pipeline(inputs))
            except CorruptedError as error:
                console.print(
                    f"[yellow]{error.path.name} is damaged or missing. It is made again, and so is what "
                    "was made from it.[/]",
                    soft_wrap=True,
                )
                give_back(error.path.parent)
                WatchedRunner(progress).run(create_pipeline(inputs))
        except Exception as error:
            raise _explain(error, progress.running) from error
    nodes = last_run(METADATA)
    schema.keep(inputs.name, nodes["SchemaGen"].outputs["schema"] / SCHEMA.name)
    return nodes


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
