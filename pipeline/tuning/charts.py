"""Pictures of a search: heads by blocks and grid, recipes by rate and depth, the confusion of the chosen."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from headstart.components.tuner.results import Candidate
from headstart.pipeline.report.axes import as_percent, legend, name_ticks
from headstart.pipeline.report.cell_charts import draw_confusion, matrix_side
from headstart.pipeline.report.palette import MUTED, light
from headstart.pipeline.report.rendering import styled
from headstart.pipeline.results.tuning import Search

_MARKERS = "osD^vPX*"


def of(search: Search) -> dict[str, Figure]:
    """The charts that the search has candidates for, by name."""
    found = search.results.candidates
    drawn = {"heads": heads(search)}
    for strategy in ("fine_tune", "scratch"):
        if any(one.strategy == strategy for one in found):
            drawn[strategy] = recipes(search, strategy)
    return {**drawn, "confusion": confusion(search)}


@styled
def heads(search: Search) -> Figure:
    """Score of the frozen heads against the blocks that they see, a line a grid; on the best base."""
    frozen = [one for one in search.results.candidates if one.strategy == "frozen"]
    base = max(frozen, key=lambda one: one.score).base
    shown = [one for one in frozen if one.base == base and not one.settings["balanced"]]
    sets = list(dict.fromkeys(one.settings["blocks"] for one in sorted(shown, key=_blocks)))
    figure, axes = _figure(f"Heads on the frozen base, {base}: {search.metric} by blocks and grid.")
    grids = sorted({one.settings["grid"] for one in shown})
    for number, grid in enumerate(grids):
        some = [one for one in shown if one.settings["grid"] == grid]
        at = [sets.index(one.settings["blocks"]) + 0.12 * (number - (len(grids) - 1) / 2) for one in some]
        _with_errors(axes, at, some, _MARKERS[number % len(_MARKERS)], "frozen", f"{grid} × {grid}")
    name_ticks(axes.xaxis, sets)
    axes.set_xlabel("blocks that the head sees")
    _finish(axes, f"{search.metric} of heads on the frozen base")
    legend(figure, axes)
    return figure


@styled
def recipes(search: Search, strategy: str) -> Figure:
    """Score of recipes against their learning rate, a marker a depth or weight decay.

    Recipes that were stopped early are hollow.
    """
    found = [one for one in search.results.candidates if one.strategy == strategy]
    other = "unfreeze_depth" if strategy == "fine_tune" else "weight_decay"
    figure, axes = _figure(f"Recipes of {strategy}: {search.metric} by learning rate.")
    named = {one: f"{one:g}" for one in sorted({r for one in found for r in _rates(one)})}
    ticks = [*named.values(), "the study's own"]
    for number, value in enumerate(sorted({one.settings[other] for one in found}, key=str)):
        some = [one for one in found if one.settings[other] == value]
        at = [ticks.index(named[_rates(one)[0]]) if _rates(one) else len(named) for one in some]
        for full in (True, False):
            part = [(x, one) for x, one in zip(at, some) if (one.share == 1) == full]
            if part:
                spread = 0.1 * (number - 1)
                _with_errors(
                    axes,
                    [x + spread for x, _ in part],
                    [one for _, one in part],
                    _MARKERS[number % len(_MARKERS)],
                    strategy,
                    f"{other.replace('_', ' ')} {value}{'' if full else ', stopped early'}",
                    hollow=not full,
                )
    name_ticks(axes.xaxis, ticks)
    axes.set_xlim(-0.5, len(ticks) - 0.5)
    axes.set_xlabel("learning rate")
    _finish(axes, search.metric)
    legend(figure, axes)
    return figure


@styled
def confusion(search: Search) -> Figure:
    """Out-of-fold confusion matrix of the chosen candidate."""
    names = search.results.labels
    side = matrix_side(len(names))
    figure, axes = _figure("Confusion matrix of the chosen candidate, out of fold.", (side, side))
    counts = {
        (actual, predicted): count
        for actual, row in zip(names, search.results.confusion)
        for predicted, count in zip(names, row)
        if count
    }
    draw_confusion(axes, counts, names, search.chosen.strategy)
    axes.set_title("chosen candidate, images held out", color=light(MUTED))
    return figure


def _figure(label: str, size: tuple[float, float] = (6.6, 4.0)) -> tuple[Figure, Axes]:
    figure = Figure(figsize=size, layout="constrained")
    figure.set_label(label)
    return figure, figure.subplots()


def _blocks(one: Candidate) -> int:
    order = ("last", "top four", "upper half", "all")
    return order.index(one.settings["blocks"])


def _rates(one: Candidate) -> list[float]:
    """The single rate of a recipe; empty where the study's own way decides it."""
    rates = one.settings["learning_rates"]
    return rates if isinstance(rates, list) and len(rates) == 1 else []


def _with_errors(
    axes: Axes,
    at: list[float],
    some: list[Candidate],
    marker: str,
    strategy: str,
    label: str,
    hollow: bool = False,
) -> None:
    colour = light(strategy)
    axes.errorbar(
        at,
        [one.score for one in some],
        yerr=[one.error or 0.0 for one in some],
        linestyle="none",
        marker=marker,
        color=colour,
        markerfacecolor="none" if hollow else colour,
        elinewidth=1,
        label=label,
    )


def _finish(axes: Axes, title: str) -> None:
    as_percent(axes.yaxis)
    axes.grid(axis="y")
    axes.set_title(title, color=light(MUTED))
