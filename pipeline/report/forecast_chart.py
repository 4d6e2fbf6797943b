"""The learning curve as a picture: what was measured, and the range beyond it."""

from __future__ import annotations

import math

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from headstart.pipeline.report.axes import as_percent, decades, legend, log_axis
from headstart.pipeline.report.palette import INK, MUTED, light
from headstart.pipeline.report.rendering import styled
from headstart.pipeline.results.forecast import Forecast

_FROZEN = light("frozen")  # the strategy that is measured


@styled
def learning_curve(found: Forecast) -> Figure:
    """Score against training images, with its 80 % range, the images that there are, and the target."""
    figure = Figure(figsize=(5.8, 3.9), layout="constrained")
    figure.set_label(f"Learning curve: {found.metric} against training images. {found.sentence}")
    axes = figure.subplots()
    images = [one for one, _ in found.curve]
    scores = [score for _, score in found.curve]
    lows, highs = [score.low for score in scores], [score.high for score in scores]
    axes.fill_between(images, lows, highs, color=_FROZEN, alpha=0.18, linewidth=0, label="80 % range")
    axes.plot(images, [score.value for score in scores], color=_FROZEN, label="median")
    axes.plot(*zip(*found.measured), linestyle="none", marker="o", color=light(INK), label="measured")
    axes.axhline(found.target, color=light(MUTED), linestyle=(0, (4, 2.5)), linewidth=1, label="target")
    axes.axvline(found.images, color=light(MUTED), linestyle=":", linewidth=1, label="images now")
    if math.isfinite(found.needed.value):
        end = min(found.needed.high, images[-1])
        axes.hlines(found.target, found.needed.low, end, color=light(INK), linewidth=3)
        axes.plot(found.needed.value, found.target, marker="D", color=light(INK))
    log_axis(axes, decades(images), "training images (log scale)", around=images)
    axes.set_ylim(max(0.0, min(*lows, *(score for _, score in found.measured)) - 0.03), 1.01)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    as_percent(axes.yaxis)
    axes.set_title(found.metric, color=light(MUTED))
    axes.grid(axis="y")
    legend(figure, axes)
    return figure
