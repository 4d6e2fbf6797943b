"""The command `plan`: how many more images a target takes."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli.app import app, console

if TYPE_CHECKING:
    from headstart.pipeline.forecast.forecast import Wanted


class Metric(str, Enum):
    """What `--target` is a target of."""

    ACCURACY = "accuracy"
    MACRO_F1 = "macro_f1"


@app.command(rich_help_panel="The study")
def plan(
    target: Annotated[
        float | None, typer.Option(help="Of the metric, from 0 to 1.", show_default=False)
    ] = None,
    metric: Annotated[Metric, typer.Option(help="What the target is of.")] = Metric.ACCURACY,
    recall: Annotated[
        list[str] | None, typer.Option(help="Of one class: CLASS=TARGET, such as shirt=0.8.")
    ] = None,
    classes: Annotated[
        bool, typer.Option("--classes", help="Which class to label next, too; takes a minute or more.")
    ] = False,
    price: Annotated[
        float | None, typer.Option(min=0.0, help="Of one label, for --classes.", show_default=False)
    ] = None,
    pool: Annotated[
        Path | None,
        typer.Option(help="Which photos of this folder to label first, too.", show_default=False),
    ] = None,
    label: Annotated[int, typer.Option(min=1, help="Photos to choose, for --pool.")] = 100,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    r"""How many more images does a target take? From the images that the last study embedded, in seconds.

    \b
    headstart plan --target 0.90
    headstart plan --pool ~/unlabelled    which of these photos to label first
    """
    from headstart.pipeline.startup import blas

    wanted = _wanted(target, metric, recall or [], needed=pool is None)
    blas.choose_kernels()
    import json

    from rich.console import Console

    from headstart.pipeline.config import tuned as config
    from headstart.pipeline.forecast import forecast, terminal

    # With --json standard output holds JSON alone.
    told = Console(stderr=True) if json_output else console
    by_class = forecast.ByClass(price) if classes or price is not None else None
    photos = None if pool is None else forecast.Photos(pool, label)
    found = forecast.plan(config.load(), wanted, told, by_class, photos)
    if json_output:
        typer.echo(json.dumps(json.loads(forecast.FIGURES.read_text(encoding="utf-8"))))
        return
    terminal.show(found, console)
    if found.photos:
        console.print(f"[dim]{forecast.TO_LABEL} has all of them.[/]")
    console.print(f"[dim]{forecast.PAGE} shows it.[/]")


def _wanted(target: float | None, metric: Metric, recalls: list[str], needed: bool) -> list[Wanted]:
    from headstart.pipeline.forecast.forecast import Wanted

    wanted = [] if target is None else [Wanted(metric.value, target)]
    for told in recalls:
        label, _, value = told.rpartition("=")
        try:
            wanted.append(Wanted("recall", float(value), label))
        except ValueError:
            label = ""
        if not label:
            raise HeadstartError(f"--recall is '{told}': give a class and its target, such as shirt=0.8.")
    if needed and not wanted:
        raise HeadstartError(
            "There is no target: give --target 0.9, --recall CLASS=0.8, or --pool FOLDER for photos to label."
        )
    if bad := next((one.target for one in wanted if not 0 < one.target < 1), None):
        raise HeadstartError(f"The target {bad:g} is not between 0 and 1: 90 % is 0.9.")
    return wanted
