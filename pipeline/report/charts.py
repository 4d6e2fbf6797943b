"""The report's pictures as matplotlib figures: for the page (`svg`), for files (`png`), for MLflow and DVC.

Each is small and plain enough to be read on a phone. A figure's label is its description in words.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from headstart.pipeline.report.axes import as_percent, decades, legend, log_axis
from headstart.pipeline.report.cell_charts import confusion, confusions, slices, training_curves
from headstart.pipeline.report.content import strategy_name, subset_name
from headstart.pipeline.report.palette import MUTED, light, marker
from headstart.pipeline.report.rendering import png, styled, svg
from headstart.pipeline.verdict.findings import REFERENCES, SCRATCH, Row, Verdict

__all__ = [
    "accuracy_against_seconds",
    "confusion",
    "confusions",
    "learning_curves",
    "png",
    "slices",
    "svg",
    "training_curves",
]

_SIZE = (5.2, 3.9)  # inches; the page scales it


@styled
def learning_curves(verdict: Verdict) -> Figure:
    """Test accuracy against labelled images: median, interval (bars) and range of the draws (dots)."""
    figure, axes = _wide(
        f"Learning curves: test accuracy against labelled images, {_listed(verdict.rows)}. "
        "The figures are in the table of cells."
    )
    for strategy, rows in _by_strategy(verdict.rows):
        shift = _shift(strategy, verdict.rows)
        x = [row.images * shift for row in rows]
        axes.plot(x, [row.accuracy for row in rows], label=strategy_name(strategy), **_line(strategy))
        if strategy not in REFERENCES:
            axes.vlines(
                x,
                [r.low for r in rows],
                [r.high for r in rows],
                color=light(strategy),
                linewidth=1,
                alpha=0.6,
            )
            for several, at in ((row, place) for row, place in zip(rows, x) if row.draws > 1):
                ends = [several.accuracy_min, several.accuracy_max]
                axes.plot([at, at], ends, linestyle="none", marker=".", markersize=4, color=light(strategy))
    log_axis(axes, [row.images for row in verdict.rows], "labelled images (log scale)")
    _accuracy_axis(axes, verdict.rows)
    legend(figure, axes)
    return figure


@styled
def accuracy_against_seconds(verdict: Verdict) -> Figure:
    """Test accuracy against the seconds of training: a point for each strategy and subset."""
    figure, axes = _wide(
        f"Test accuracy against seconds of training, {_listed(verdict.rows)}. "
        "The figures are in the table of cells."
    )
    ends: list[float] = []
    for strategy, rows in _by_strategy(verdict.rows):
        x = [_positive(row.seconds) for row in rows]
        lows, highs = [_positive(r.seconds_min) for r in rows], [_positive(r.seconds_max) for r in rows]
        ends += lows + highs
        y = [row.accuracy for row in rows]
        axes.plot(x, y, label=strategy_name(strategy), **_line(strategy))
        axes.hlines(y, lows, highs, color=light(strategy), linewidth=1, alpha=0.6)
        if strategy in (verdict.strategy, SCRATCH):
            named = ((rows[0], x[0], -14), (rows[-1], x[-1], 7))  # points above the marker
            for row, at, above in named[: len(rows)]:
                axes.annotate(
                    subset_name(row.fraction),
                    (at, row.accuracy),
                    xytext=(0, above),
                    textcoords="offset points",
                    ha="center",
                    fontsize=9,
                    color=light(strategy),
                )
    log_axis(axes, decades(ends), "seconds of training (log scale)", around=ends)
    _accuracy_axis(axes, verdict.rows)
    legend(figure, axes)
    return figure


def _wide(label: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    figure.set_label(label)
    return figure, figure.subplots()


def _by_strategy(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Rows of each strategy, sorted; references first, so that they lie beneath, scratch last."""
    order = sorted(
        rows,
        key=lambda row: (row.strategy not in REFERENCES, row.strategy == SCRATCH, row.strategy, row.images),
    )
    return [(strategy, list(group)) for strategy, group in groupby(order, key=lambda row: row.strategy)]


def _listed(rows: Sequence[Row]) -> str:
    return ", ".join(strategy_name(strategy) for strategy in dict.fromkeys(row.strategy for row in rows))


def _line(strategy: str) -> dict[str, Any]:
    """How a strategy is drawn: references thinner and dashed."""
    reference = strategy in REFERENCES
    return {
        "color": light(strategy),
        "marker": marker(strategy),
        "markersize": 5,
        "linewidth": 1 if reference else 1.8,
        "linestyle": (0, (4, 2.5)) if reference else "-",
        "zorder": 2 if reference else 3,
    }


def _shift(strategy: str, rows: Sequence[Row]) -> float:
    """A small factor on the x axis, so that the bars of different strategies lie beside each other."""
    strategies = sorted({row.strategy for row in rows} - set(REFERENCES))
    return (
        1.0
        if strategy not in strategies
        else 1.025 ** (strategies.index(strategy) - (len(strategies) - 1) / 2)
    )


def _positive(seconds: float) -> float:
    return max(seconds, 0.01)


def _accuracy_axis(axes: Axes, rows: Sequence[Row]) -> None:
    shown = [row.accuracy_min for row in rows] + [row.low for row in rows if row.strategy not in REFERENCES]
    floor = max(0.0, math.floor((min(shown, default=0.0) - 0.04) * 20) / 20)
    axes.set_ylim(floor, 1.01)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    as_percent(axes.yaxis)
    axes.set_title("test accuracy", color=light(MUTED))
    axes.grid(axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
