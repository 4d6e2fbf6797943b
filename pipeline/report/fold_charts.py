"""Pictures of cross-validation: accuracy by fold, precision against recall."""

from __future__ import annotations

import math
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.report.axes import as_percent
from headstart.pipeline.report.content import legible
from headstart.pipeline.report.palette import INK, MUTED, light
from headstart.pipeline.report.rendering import styled
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.results.out_of_fold import OutOfFold
from headstart.pipeline.verdict.words import percent, points

CLASSES = 12  # drawn, at most
_COLUMNS = 4
_STRATEGY = "frozen"


def as_cell(found: OutOfFold) -> Cell:
    """The predictions as those of a cell, for the charts of cells."""
    rows = [
        {"label": found.classes[label], "predicted": found.classes[predicted]}
        for label, predicted in zip(found.labels, found.predicted)
    ]
    return Cell(_STRATEGY, Subset(1.0, len(rows), None, 0), {}, [], rows, cached=False)


@styled
def accuracy_by_fold(figures: dict[str, Any]) -> Figure:
    """Held-out accuracy of each fold, with the mean and its standard error.

    Args:
        figures: as `components.cross_validation.figures` has them, of one fold or more.
    """
    accuracies = [one["accuracy"] for one in figures["folds"]]
    mean, error = figures["accuracy"]["mean"], figures["accuracy"]["standard_error"] or 0.0
    figure = Figure(figsize=(3.6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.axhspan(mean - error, mean + error, color=light(MUTED), alpha=0.18, linewidth=0)
    axes.axhline(mean, color=light(INK), linewidth=1)
    axes.plot(range(1, len(accuracies) + 1), accuracies, linestyle="none", marker="o", color=light(_STRATEGY))
    axes.set_ylim(max(0.0, math.floor((min(accuracies) - 0.05) * 20) / 20), 1.01)
    axes.set_xlim(0.5, len(accuracies) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    as_percent(axes.yaxis)
    axes.grid(axis="y")
    axes.set_xlabel("fold")
    told = f"{points(mean)} ± {percent(error)}"
    axes.set_title(f"held-out accuracy\n{told}", color=light(INK))
    figure.set_label(f"Held-out accuracy by fold: {', '.join(map(percent, accuracies))}; mean {told}.")
    return figure


@styled
def precision_recall(found: OutOfFold) -> Figure:
    """Precision against recall of the classes with the lowest average precision, that one first."""
    from sklearn.metrics import average_precision_score, precision_recall_curve

    truths = {place: found.labels == place for place in set(found.labels.tolist())}
    averages = {
        place: float(average_precision_score(truth, found.probabilities[:, place]))
        for place, truth in truths.items()
    }
    worst = sorted(averages, key=lambda place: (averages[place], place))[:CLASSES]
    columns = min(_COLUMNS, len(worst))
    rows = math.ceil(len(worst) / columns)
    figure = Figure(figsize=(1.8 * columns + 0.4, 1.9 * rows + 0.3), layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, place in zip(grid, worst):
        precision, recall, _ = precision_recall_curve(truths[place], found.probabilities[:, place])
        axes.plot(recall, precision, color=light(_STRATEGY), drawstyle="steps-post", linewidth=1.4)
        axes.axhline(truths[place].mean(), color=light(MUTED), linewidth=0.8, linestyle=":")  # by guessing
        name = legible(found.classes[place], 14)
        axes.set_title(f"{name}\nAP {averages[place]:.2f}", fontsize=9, color=light(INK), parse_math=False)
        axes.set(xlim=(0, 1.02), ylim=(0, 1.03))
        axes.grid()
        as_percent(axes.xaxis)
        as_percent(axes.yaxis)
    for axes in grid[len(worst) :]:
        axes.set_visible(False)
    figure.supxlabel("recall", fontsize=10, color=light(MUTED))
    figure.supylabel("precision", fontsize=10, color=light(MUTED))
    told = ", ".join(f"{legible(found.classes[place])} {averages[place]:.2f}" for place in worst)
    figure.set_label(f"Precision against recall by class, average precision: {told}.")
    return figure
