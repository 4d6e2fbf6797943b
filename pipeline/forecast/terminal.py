"""The answer on the terminal: a sentence and a small table for each target."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headstart.pipeline.results.forecast import Forecast
from headstart.pipeline.verdict.words import count, percents

_COLOURS = {"reached": "green", "needs more": "yellow", "not reachable": "red"}


def show(found: Sequence[Forecast], console: Console) -> None:
    """Print forecasts."""
    for one in found:
        console.print()
        console.print(f"[{_COLOURS[one.outcome]}]{escape(one.sentence)}[/]", soft_wrap=True)
        if one.warning:
            console.print(f"[red]{escape(one.warning)}[/]", soft_wrap=True)
        table = Table(header_style="dim", box=None, padding=(0, 2, 0, 0))
        table.add_column("training images", justify="right")
        table.add_column(f"{escape(one.metric)} (80 % range)", justify="right")
        for images, score in one.milestones:
            now = " [dim](now)[/]" if images == one.images else ""
            table.add_row(f"{count(images)}{now}", percents(score.value, score.low, score.high))
        console.print(table)
