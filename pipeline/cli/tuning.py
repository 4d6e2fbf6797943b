"""The command `tune`: hyperparameters by cross-validation."""

from __future__ import annotations

import os
import subprocess

import typer

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli.app import app, console


@app.command(rich_help_panel="The study")
def tune() -> None:
    """Which base, blocks, depth and rate? Search by cross-validation before the study (the DVC stage `tune`).

    It needs `tune.enabled: true` in params.yaml. By hand it is `dvc repro tune`.
    """
    from headstart.pipeline.config import file as config

    loaded = config.load()
    if "DVC_STAGE" not in os.environ:  # DVC sets it for the commands of its stages
        if not loaded.tune.enabled:
            raise HeadstartError("tune.enabled is false in params.yaml: set it to true, then run this again.")
        raise typer.Exit(subprocess.run(["dvc", "repro", "tune"], check=False).returncode)
    if loaded.tune.enabled:
        from headstart.pipeline.startup import blas

        blas.choose_kernels()
    from headstart.pipeline.tuning.tune import FOLDER
    from headstart.pipeline.tuning.tune import tune as run

    found = run(loaded, console)
    if found is None:
        return
    for sentence in (found.sentence, found.worth, found.gap, found.cost):
        console.print(sentence, soft_wrap=True)
    console.print(f"[dim]tuned.yaml has the choice, {FOLDER}/tuning.html all candidates.[/]")
