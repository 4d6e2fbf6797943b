"""The answer on the terminal: a sentence and a small table for each target."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headstart.pipeline.results.forecast import ClassAdvice, PhotoAdvice, Plan
from headstart.pipeline.verdict.words import count, percent, percents, points

_COLOURS = {"reached": "green", "needs more": "yellow", "not reachable": "red"}

_PHOTOS = 10  # shown of those to label


def show(found: Plan, console: Console) -> None:
    """Print the forecasts, the classes and the photos."""
    for one in found.forecasts:
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
    if found.classes:
        console.print(f"\nLabel [bold]{escape(found.classes[0].label)}[/] next.")
        console.print(_classes(found.classes))
        console.print(
            "[dim]Gain in the probability of the right class, every class counting the same. The classes are "
            "ordered by the gain of one label. Plan again after a round.[/]",
            soft_wrap=True,
        )
    if found.photos:
        console.print(f"\n{escape(found.photos.sentence)}", soft_wrap=True)
        console.print(_photos(found.photos))
        console.print(f"[dim]{escape(found.photos.left_out)}[/]", soft_wrap=True)


def _photos(advice: PhotoAdvice) -> Table:
    table = Table(header_style="dim", box=None, padding=(0, 2, 0, 0))
    table.add_column("photo", overflow="fold")
    table.add_column("predicted class")
    table.add_column("probability", justify="right")
    for one in advice.photos[:_PHOTOS]:
        table.add_row(escape(one.path), escape(one.label), percent(one.probability, 0))
    return table


def _classes(advice: tuple[ClassAdvice, ...]) -> Table:
    table = Table(header_style="dim", box=None, padding=(0, 2, 0, 0))
    priced = advice[0].cost is not None
    for name in ("class", "images now", "label", "gain, points (80 % range)", *["cost"] * priced):
        table.add_column(name, justify="left" if name == "class" else "right")
    for one in advice:
        gain = f"{points(one.gain.value)} ({points(one.gain.low)} to {points(one.gain.high)})"
        cost = [] if one.cost is None else [f"{one.cost:,.2f}"]
        table.add_row(escape(one.label), count(one.images), count(one.more), gain, *cost)
    return table
