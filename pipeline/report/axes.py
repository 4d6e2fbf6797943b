"""What the report's pictures share: legends, names at ticks, shares as percentages, a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from headstart.pipeline.verdict.words import percent


def legend(figure: Figure, axes: Axes) -> None:
    """A legend of two columns below the axes, in the reverse of the order of drawing: long names fit."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        rows = [(h, n) for h, n in zip(handles, labels)]
        rows = rows[::-1] if len(rows) > 2 else rows
        columns = min(2, len(rows))
        figure.legend(
            *zip(*rows), loc="outside lower center", ncols=columns, handlelength=2.2, columnspacing=1.4
        )


def name_ticks(axis: Axis, names: Sequence[str], **options: Any) -> None:
    """Name the ticks 0, 1, …; the names are the user's, so a `$` in them is no formula, in any process."""
    axis.set_ticks(range(len(names)), list(names), **options)
    for text in axis.get_ticklabels():
        text.set_parse_math(False)


def as_percent(axis: Axis) -> None:
    """Show an axis of shares as percentages."""
    axis.set_major_formatter(FuncFormatter(lambda share, _: percent(share, 0)))


def log_axis(axes: Axes, ticks: Sequence[float], label: str, around: Sequence[float] = ()) -> None:
    """A log x axis with ticks where they are asked for, less those that would run into the one before."""
    values = [value for value in (around or ticks) if value > 0] or [1.0]
    low, high = min(values), max(values)
    margin = max((high / low) ** 0.07, 1.2)
    axes.set_xscale("log")
    axes.set_xlim(low / margin, high * margin)
    room = 0.11 * math.log(high * margin**2 / low)
    kept: list[float] = []
    for tick in sorted(set(ticks), reverse=True):  # the largest subset is the one to name
        if tick > 0 and (not kept or math.log(kept[-1] / tick) > room):
            kept.append(tick)
    axes.xaxis.set_major_locator(FixedLocator(kept))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(label)


def decades(values: Sequence[float]) -> list[float]:
    """1, 2, 5, 10, … over a range; 1, 10, 100, … over a long one."""
    low, high = (min(values), max(values)) if values else (1.0, 1.0)
    steps = (1, 2, 5) if high / low < 300 else (1,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [
        step * 10.0**power
        for power in powers
        for step in steps
        if low * 0.8 <= step * 10.0**power <= high * 1.25
    ]
