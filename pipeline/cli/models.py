"""Commands about models: `promote`, `rollback`, `history`, `predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headstart.pipeline import project
from headstart.pipeline.cli.app import Full, app, console, folders


@app.command(rich_help_panel="Models")
def promote(full: Full = False) -> None:
    """Register the candidate; serve it if it is blessed and beats the champion (the DVC stage `promote`)."""
    from headstart.pipeline.config import file as config
    from headstart.pipeline.promotion import promote

    command = "headstart promote --full" if full else "headstart promote"
    promote.promote(config.load(), console, folders(full), project.trigger(command))


@app.command(rich_help_panel="Models")
def rollback(
    version: Annotated[
        str | None, typer.Argument(help="Of the registry; the one that was live before by default.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", "-m", help="For the record.")] = "",
) -> None:
    """Serve an earlier version again; the one that is live now is not promoted again by itself."""
    from headstart.pipeline.config import file as config
    from headstart.pipeline.promotion import rollback

    event = rollback.rollback(config.load().dataset, version, reason, console)
    console.print(f"[green]champion[/]: version {event.version}; {escape(event.reason)}", soft_wrap=True)


@app.command(rich_help_panel="Models")
def history(
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print what was live when, and why."""
    import json
    from dataclasses import asdict

    from headstart.pipeline.config import file as config
    from headstart.pipeline.promotion import rollback

    events = rollback.history(config.load().dataset, Console(stderr=True))
    if json_output:
        for event in events:
            typer.echo(json.dumps(asdict(event)))
        return
    table = Table("live since (UTC)", "version", "before", "by", "reason", box=None, header_style="dim")
    for event in events:
        at = event.at[:19].replace("T", " ")
        table.add_row(at, event.version, event.before, escape(event.by), escape(event.reason))
    console.print(table)


@app.command(rich_help_panel="Models")
def predict(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    top: Annotated[int, typer.Option(min=1, help="How many classes to show.")] = 3,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object a line, all classes.")] = False,
) -> None:
    """Ask the champion what is in an image: label and probabilities."""
    import json

    from headstart.pipeline.config import file as config
    from headstart.pipeline.serving import models

    for path, answer in zip(images, models.ask_champion(config.load().dataset, images)):
        if json_output:
            typer.echo(
                json.dumps({"image": str(path), "label": answer.label, "probabilities": answer.probabilities})
            )
            continue
        best = list(answer.probabilities.items())[:top]
        told = ", ".join(f"{label} {probability:.1%}" for label, probability in best)
        console.print(f"{path}: [bold]{answer.label}[/] ({told})")
