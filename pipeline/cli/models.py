"""Commands about models: `promote`, `predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headstart.pipeline.cli.app import Full, app, console, folders


@app.command(rich_help_panel="Models")
def promote(full: Full = False) -> None:
    """Register the candidate; serve it if it is blessed and beats the champion (the DVC stage `promote`)."""
    from headstart.pipeline.config import file as config
    from headstart.pipeline.promotion import promote

    promote.promote(config.load(), console, folders(full))


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
