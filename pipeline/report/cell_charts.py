"""Pictures of cells: confusion matrices, accuracy on slices, training curves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from headstart.pipeline.report.axes import as_percent, legend, name_ticks
from headstart.pipeline.report.content import legible, strategy_name
from headstart.pipeline.report.palette import GRID, INK, MUTED, PAPER, light
from headstart.pipeline.report.rendering import styled
from headstart.pipeline.report.slicing import FEW, Bar, Slice
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.verdict.findings import SCRATCH
from headstart.pipeline.verdict.words import percent

_NUMBERS_UP_TO = 30  # classes; beyond, a confusion matrix shows shades alone, without names
_WHOLE_UP_TO = 100  # classes; beyond, it shows the hardest ones
_PHASES = {"fine_tune": "fine-tune"}


@styled
def confusions(cells: Sequence[Cell], classes: Sequence[str]) -> Figure:
    """Confusion matrices side by side, for files; the page has them one by one, so that they stack."""
    side = matrix_side(len(classes))
    figure = Figure(figsize=(len(cells) * side, side), layout="constrained")
    for cell, axes in zip(cells, figure.subplots(1, len(cells), squeeze=False)[0]):
        _confusion(axes, cell, classes)
    figure.set_label(" ".join(map(_confusion_label, cells)))
    return figure


@styled
def confusion(cell: Cell, classes: Sequence[str]) -> Figure:
    """Test images by actual and predicted class, shaded by the share of the actual class."""
    side = matrix_side(len(classes))
    figure = Figure(figsize=(side, side), layout="constrained")
    _confusion(figure.subplots(), cell, classes)
    figure.set_label(_confusion_label(cell))
    return figure


def hardest(cells: Sequence[Cell], classes: Sequence[str]) -> list[str]:
    """The classes that a confusion matrix has room for: all, or those that most mistakes are made with."""
    if len(classes) <= _WHOLE_UP_TO:
        return list(classes)
    wrong = Counter(
        name
        for cell in cells
        for row in cell.predictions
        if row["label"] != row["predicted"]
        for name in (row["label"], row["predicted"])
    )
    chosen = {name for name, _ in wrong.most_common(_NUMBERS_UP_TO)}
    return [name for name in classes if name in chosen] or list(classes[:_NUMBERS_UP_TO])


def confused(cell: Cell) -> str:
    """The classes that a strategy confuses most often, as a sentence."""
    wrong = Counter((r["label"], r["predicted"]) for r in cell.predictions if r["label"] != r["predicted"])
    worst = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))[:3]
    told = ", ".join(f"{legible(actual)} as {legible(predicted)} ({n})" for (actual, predicted), n in worst)
    return (
        f"Most often taken by {strategy_name(cell.strategy)}: {told}."
        if told
        else f"No mistake by {strategy_name(cell.strategy)}."
    )


@styled
def slices(found: Sequence[Slice], one: str, other: str = SCRATCH) -> Figure:
    """Accuracy on slices of the test split as bars with 95 % intervals, in the order given.

    Args:
        found: slices; where there is none, the picture says so.
        one: the strategy of each slice's first bar.
        other: the strategy of the second one, where there is one.
    """
    if not found:
        figure = Figure(figsize=(5.2, 1.1))
        figure.text(0.5, 0.5, f"No slice has {FEW} test images.", ha="center", color=light(MUTED))
        return figure
    paired = found[0].other is not None
    figure = Figure(figsize=(5.2, 1.1 + len(found) * (0.42 if paired else 0.3)), layout="constrained")
    axes = figure.subplots()
    strategies = [(one, [s.one for s in found], -0.19 if paired else 0.0)]
    if paired:
        strategies.append((other, [s.other for s in found if s.other], 0.19))
    for strategy, bars, offset in strategies:
        _bars(axes, bars, offset, strategy, 0.34 if paired else 0.6)
    names = [f"{legible(s.column, 12)}: {legible(s.value, 14)} ({s.images})" for s in found]
    name_ticks(axes.yaxis, names)
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    as_percent(axes.xaxis)
    axes.set_xlabel("test accuracy")
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    legend(figure, axes)
    weakest = ", ".join(
        f"{n.rpartition(' ')[0]} {percent(s.one.accuracy, 0)}" for n, s in zip(names, found[:3])
    )
    figure.set_label(f"Test accuracy on slices. The weakest of {strategy_name(one)}: {weakest}.")
    return figure


@styled
def training_curves(cells: Sequence[Cell]) -> Figure:
    """Loss above accuracy by epoch, a column a cell; phases are shaded, the epoch that was kept is marked."""
    cells = [cell for cell in cells if cell.history]
    figure = Figure(figsize=(max(4.0, 3.6 * len(cells)), 4.6), layout="constrained")
    if not cells:
        return figure
    grid = figure.subplots(2, len(cells), sharex="col", squeeze=False)
    for column, cell in enumerate(cells):
        for axes, what in zip(grid[:, column], ("loss", "accuracy")):
            _training(axes, cell, what)
        grid[0, column].set_title(f"{strategy_name(cell.strategy)}, {cell.images:,} images", pad=22)
        _phases(grid[0, column], cell)
        grid[1, column].set_xlabel("epoch")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    figure.set_label(
        "Training curves, loss and accuracy by epoch: " + " ".join(_told(cell) for cell in cells)
    )
    return figure


def matrix_side(classes: int) -> float:
    """Inches."""
    return 4.4 if classes > _NUMBERS_UP_TO else min(6.0, max(3.6, 1.9 + 0.27 * classes))


def _confusion_label(cell: Cell) -> str:
    return f"Confusion matrix of {strategy_name(cell.strategy)} on {cell.images:,} images. {confused(cell)}"


def _confusion(axes: Axes, cell: Cell, classes: Sequence[str]) -> None:
    counts = Counter((row["label"], row["predicted"]) for row in cell.predictions)
    draw_confusion(axes, counts, classes, cell.strategy)
    correct = sum(count for (actual, predicted), count in counts.items() if actual == predicted)
    accuracy = percent(correct / max(1, len(cell.predictions)))
    axes.set_title(f"{strategy_name(cell.strategy)}\n{cell.images:,} images: {accuracy}", color=light(INK))


def draw_confusion(
    axes: Axes, counts: Mapping[tuple[str, str], int], classes: Sequence[str], strategy: str
) -> None:
    """Draw a confusion matrix, shaded by the share of the actual class.

    Args:
        axes: where to.
        counts: images by actual and predicted class.
        classes: those to show.
        strategy: in its colour.
    """
    classes = sorted(classes)  # the model's own order is that of its vocabulary
    size = len(classes)
    place = {name: index for index, name in enumerate(classes)}
    totals: Counter[str] = Counter()
    for (actual, _), count in counts.items():
        totals[actual] += count
    for (actual, predicted), count in counts.items():
        if actual not in place or predicted not in place:
            continue
        x, y = place[predicted], place[actual]
        # Rectangles, not an image: a theme can change their colour. Faint ones would go unseen.
        shade = 0.12 + 0.88 * count / totals[actual]
        square = Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=light(strategy), alpha=shade, linewidth=0)
        axes.add_patch(square)
        if size <= _NUMBERS_UP_TO:
            ink = light(PAPER) if shade > 0.6 else light(INK)
            number = 9.5 if size <= 12 else 7.5
            axes.text(x, y, str(count), ha="center", va="center_baseline", color=ink, fontsize=number)
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), aspect="equal")
    if size <= _NUMBERS_UP_TO:
        names = [legible(name, 14) for name in classes]
        small = 9.5 if size <= 20 else 7.5
        upright = max(map(len, names), default=0) <= 2 and size <= 20
        name_ticks(axes.xaxis, names, fontsize=small, rotation=0 if upright else 90)
        name_ticks(axes.yaxis, names, fontsize=small)
    else:
        axes.set(xticks=[], yticks=[])
    axes.tick_params(length=0)
    axes.spines[:].set(visible=True, color=light(GRID))
    axes.set(xlabel="predicted", ylabel="actual")


def _bars(axes: Axes, bars: Sequence[Bar], offset: float, strategy: str, height: float) -> None:
    places = [index + offset for index in range(len(bars))]
    widths = [bar.accuracy for bar in bars]
    axes.barh(
        places,
        widths,
        height=height,
        color=light(strategy),
        alpha=0.85,
        linewidth=0,
        label=strategy_name(strategy),
    )
    axes.hlines(
        places, [b.low for b in bars], [b.high for b in bars], color=light(INK), linewidth=1, alpha=0.75
    )


def _training(axes: Axes, cell: Cell, what: str) -> None:
    epochs = list(range(1, len(cell.history) + 1))
    for split, key, colour, dashes in (
        ("training", f"train_{what}", light(MUTED), (0, (3, 2))),
        ("validation", f"val_{what}", light(cell.strategy), "-"),
    ):
        values = [_number(row.get(key)) for row in cell.history]
        single = "." if len(epochs) == 1 else None
        axes.plot(epochs, values, color=colour, linestyle=dashes, marker=single, label=split, linewidth=1.6)
    if kept := _kept(cell):
        axes.axvline(kept, color=light(INK), linewidth=1, linestyle=":", label="kept")
    for index, (_, first, last) in enumerate(_spans(cell)):
        if index % 2:
            axes.axvspan(first - 0.5, last + 0.5, color=light(MUTED), alpha=0.1, linewidth=0)
    axes.set_xlim(0.5, len(epochs) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_ylabel(what)
    axes.grid(axis="y")
    if what == "accuracy":
        axes.set_ylim(0, 1.01)
        as_percent(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)


def _phases(axes: Axes, cell: Cell) -> None:
    """Name the phases above the axes, where there are several."""
    spans = _spans(cell)
    if len(spans) < 2:
        return
    for phase, first, last in spans:
        if last - first + 1 < 0.09 * len(cell.history):
            continue  # no room for a name
        axes.annotate(
            _PHASES.get(phase, phase.removeprefix("gradual-")),
            ((first + last) / 2, 1.03),
            xycoords=("data", "axes fraction"),
            ha="center",
            fontsize=8.5,
            color=light(MUTED),
        )


def _spans(cell: Cell) -> list[tuple[str, int, int]]:
    """The phases as (name, first epoch, last epoch), counted from 1."""
    spans, first = [], 1
    for phase, rows in groupby(row.get("phase", "") for row in cell.history):
        last = first + len(list(rows)) - 1
        spans.append((phase, first, last))
        first = last + 1
    return spans


def _kept(cell: Cell) -> int | None:
    """The epoch whose weights were kept, counted from 1."""
    best = cell.metrics.get("best_epoch")
    return None if best is None else int(best) + 1


def _told(cell: Cell) -> str:
    kept = _kept(cell)
    told = f", weights of epoch {kept} kept" if kept else ""
    return f"{strategy_name(cell.strategy)} on {cell.images:,} images, {len(cell.history)} epochs{told}."


def _number(value: str | None) -> float:
    try:
        return float(value or "nan")
    except ValueError:
        return math.nan
