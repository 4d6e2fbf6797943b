"""Curves and confusion matrices as matplotlib figures."""

from __future__ import annotations

from matplotlib.figure import Figure

from pipeline.outcome import Cell

_INK = {"train": "#8a94a6", "validation": "#2563eb"}


def curves(cell: Cell) -> Figure:
    """Loss and accuracy by epoch over both phases; the epoch whose weights were kept is marked."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [int(row["epoch"]) for row in cell.history]
    best = int(cell.figures["best_epoch"])
    turn = sum(row["phase"] == "frozen" for row in cell.history)
    for axes, what in zip(figure.subplots(1, 2), ("loss", "accuracy")):
        for split, key in (("train", f"train_{what}"), ("validation", f"val_{what}")):
            axes.plot(epochs, [float(row[key]) for row in cell.history], color=_INK[split], label=split)
        axes.axvline(best, color="#059669", linewidth=1, linestyle=":", label="kept")
        if turn < len(epochs):
            axes.axvspan(
                turn - 0.5, epochs[-1] + 0.5, color="#f59e0b", alpha=0.12, label="fine-tune", linewidth=0
            )
        axes.set(xlabel="epoch", title=what)
        axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def confusion(cell: Cell) -> Figure:
    """Counts of test images, actual class by predicted class; shaded by the share of the actual class."""
    size = len(cell.labels)
    side = min(16.0, 2.5 + 0.55 * size)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    order = sorted(range(size), key=lambda index: cell.labels[index])
    counts = [[cell.confusion[actual][predicted] for predicted in order] for actual in order]
    axes.imshow([[n / max(1, sum(row)) for n in row] for row in counts], cmap="Blues", vmin=0, vmax=1)
    if size <= 30:
        for y, row in enumerate(counts):
            for x, count in enumerate(row):
                if count:
                    ink = "white" if count > 0.5 * sum(row) else "black"
                    axes.text(x, y, str(count), ha="center", va="center", color=ink)
    names = [cell.labels[index] for index in order]
    axes.set_xticks(range(size), names, rotation=90)
    axes.set_yticks(range(size), names)
    axes.set(
        xlabel="predicted", ylabel="actual", title=f"Test accuracy {cell.overall.metrics['accuracy']:.3f}"
    )
    return figure
