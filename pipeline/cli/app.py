"""The application that all commands join. Heavy imports live inside the commands: `--help` is quick."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headstart.pipeline.project import FULL_STUDY, LOGS, PARAMS, STUDY, StudyFolders
from headstart.pipeline.startup import library_logs

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="""From a folder of labelled images to a served classifier, by transfer learning.

    \b
    headstart new my-project         make a project; then, in its folder:
    headstart data import ~/photos   take a folder with one sub-folder a class
    dvc repro                        train, compare, judge, promote
    headstart report                 did transfer learning save time and data?
    headstart ui                     compare the runs in MLflow
    headstart predict some.jpg       ask the champion
    headstart serve                  let others ask it over HTTP

    Every number is in params.yaml; `dvc exp run -S fine_tune.steps=300` tries another.""",
)
console = Console(highlight=False)
Full = Annotated[bool, typer.Option("--full", help="Of the study that `headstart study --full` ran.")]
log: Path | None = None  # the log of this command; None outside a project
verbose = False  # as `--verbose` or HEADSTART_VERBOSE asks


def folders(full: bool) -> StudyFolders:
    """The folders of the DVC stage, or of the full study."""
    return FULL_STUDY if full else STUDY


@app.callback()
def _options(
    context: typer.Context,
    talkative: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Show the logs of TensorFlow, Beam and TFX, and tracebacks."),
    ] = False,
) -> None:
    global log, verbose
    verbose = talkative or bool(os.environ.get("HEADSTART_VERBOSE"))
    log = LOGS / f"{context.invoked_subcommand}.log" if PARAMS.is_file() else None
    library_logs.set_up(log, verbose)
