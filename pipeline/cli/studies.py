"""Commands that train, judge and show: `pretrain`, `study`, `compare`, `show`, `report`, `ui`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli.app import Full, app, console, folders


@app.command(rich_help_panel="The study")
def pretrain() -> None:
    """Train the demo's base on printed letters (the DVC stage `pretrain`; minutes)."""
    from headstart.pipeline.config import file as config
    from headstart.pipeline.demo.pretraining import pretrain as run
    from headstart.pipeline.project import LETTERS

    console.print(run(config.load().pretrain, out=LETTERS))


@app.command(rich_help_panel="The study")
def study(
    full: Annotated[
        bool,
        typer.Option("--full", help="The large one: the cells of study.full in params.yaml."),
    ] = False,
) -> None:
    """Did transfer learning save time and data? Train every cell, compare, judge (the DVC stage `study`).

    What an earlier study trained with the same numbers is taken from there.
    """
    from headstart.pipeline.startup import blas

    blas.choose_kernels()
    from headstart.pipeline.config import tuned as config
    from headstart.pipeline.project import FULL_STUDY
    from headstart.pipeline.report import terminal
    from headstart.pipeline.study.study import study as run

    run(config.load(), console, full)
    if full:
        terminal.show(FULL_STUDY.reports, console)
        console.print("[dim]headstart promote --full hands its best model over.[/]")


@app.command(rich_help_panel="The study")
def show(full: Full = False) -> None:
    """Print the last study's result and what was decided."""
    from headstart.pipeline.report import terminal

    terminal.show(folders(full).reports, console)


@app.command(rich_help_panel="The study")
def report(full: Full = False) -> None:
    """Open the last study's report, reports/report.html, in the browser."""
    import webbrowser

    from headstart.pipeline.report.paths import PAGE

    page = folders(full).reports / PAGE
    if not page.is_file():
        raise HeadstartError(f"{page} is not here: run `dvc repro` first, or `dvc checkout` to get it back.")
    opened = webbrowser.open(page.resolve().as_uri())
    console.print(f"{page}{'' if opened else ' (there is no browser here to open it)'}")


@app.command(rich_help_panel="The study")
def ui(port: Annotated[int, typer.Option(help="Port on the loopback address.")] = 5000) -> None:
    """Compare the runs in MLflow's UI, on the loopback address."""
    from headstart.pipeline.config import file as config
    from headstart.pipeline.tracking import ui as pages

    for what, address in pages.pages_of(config.load().dataset, port).items():
        console.print(f"{what}: {address}", soft_wrap=True)
    if pages.is_ours():
        console.print(
            f"[dim]Ready in some seconds, also under http://127.0.0.1:{port}. Ctrl-C stops MLflow.[/]",
            soft_wrap=True,
        )
        pages.serve(port)


@app.command(rich_help_panel="The study")
def compare(
    base: Annotated[
        list[str],
        typer.Option(help="Weights as base.weights in params.yaml takes them: champion, imagenet …"),
    ],
    others: Annotated[list[str] | None, typer.Argument(help="More weights.", show_default=False)] = None,
) -> None:
    """Which base is the better start? Train from each on all images, and test the difference.

    headstart compare --base champion imagenet
    """
    from headstart.pipeline.startup import blas

    blas.choose_kernels()
    from headstart.pipeline.config import tuned as config
    from headstart.pipeline.study import compare as comparing
    from headstart.pipeline.verdict.words import percent, percents, points

    loaded = config.load()
    found = comparing.compare(loaded, [*base, *(others or ())], console)
    console.print()
    table = Table("base", "best cell", "test accuracy", box=None, header_style="dim")
    for one in found.contenders:
        told = one.accuracy
        table.add_row(one.weights, one.cell, percents(told.value, told.low, told.high))
    console.print(table)
    out = f", {found.left_out:,} left out that one of them has seen" if found.left_out else ""
    console.print(f"[dim]{found.images:,} test images{out}[/]")
    first, confidence = found.contenders[0].weights, loaded.verdict.confidence
    for other in found.differences:
        gain, shown = other.gain, other.p_value < 1 - confidence
        better = first if gain.value > 0 else other.weights
        console.print(
            f"{first} less {other.weights}: {points(gain.value)} points ({percent(confidence, 0)}: "
            f"{points(gain.low)} to {points(gain.high)}, p = {other.p_value:.3f}): "
            + (f"{better} is better." if shown else "no difference is shown."),
            soft_wrap=True,
        )
