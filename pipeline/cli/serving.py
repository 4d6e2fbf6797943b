"""The command that serves a model over HTTP: `serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.pipeline.cli.app import app, console


@app.command(rich_help_panel="Models")
def serve(
    host: Annotated[str, typer.Option(help="Listen at this address; 0.0.0.0 is all of them.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8501,
    model: Annotated[
        Path | None, typer.Option(help="Serve this SavedModel folder instead of the champion.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model; the data set's by default.")] = None,
    max_mb: Annotated[float, typer.Option(min=0.001, help="Size limit of a request, megabytes.")] = 32,
    batch: Annotated[bool, typer.Option(help="Join images of several requests into one call.")] = True,
    leash: Annotated[bool, typer.Option(hidden=True, help="Stop when standard input ends.")] = False,
) -> None:
    """Serve the champion over HTTP, and each later champion without a restart.

    Takes TensorFlow Serving's REST protocol, the Open Inference Protocol V2, and uploads; open the printed
    address in a browser to try it. Ctrl-C or SIGTERM stops it when all requests are answered.
    """
    from headstart.pipeline.config import file as config
    from headstart.pipeline.project import PARAMS
    from headstart.pipeline.serving.server import run

    if name is None:
        name = "model" if model and not PARAMS.is_file() else config.load().dataset
    if model is None:
        from headstart.pipeline.promotion.rollback import catch_up

        catch_up(name, console)
    run.serve(name, model, run.Options(host, port, max_mb, batch, leash), console)
