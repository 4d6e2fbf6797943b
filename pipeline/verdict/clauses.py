"""The conditions of a good and of a bad verdict, each with its figure and whether it is certain."""

from __future__ import annotations

import math
from typing import Literal

from scipy.special import stdtrit

from headstart.pipeline.verdict.context import Context
from headstart.pipeline.verdict.curves import TOLERANCE
from headstart.pipeline.verdict.findings import Clause, Interval, State
from headstart.pipeline.verdict.statistics import Estimate
from headstart.pipeline.verdict.words import capital, count, name, percent, percents, points, seconds

NOT_MEASURED = "not measured"


def clauses(context: Context) -> tuple[Clause, ...]:
    """The conditions of `good`, all of which are needed, and those of `bad`: any is enough.

    The images needed to match scratch are a condition of `good` only where the thresholds ask for it.
    """
    return (
        _good_accuracy(context),
        *((_good_data(context),) if context.thresholds.rate_images_needed else ()),
        _good_time(context),
        _bad_accuracy(context),
        _bad_data(context),
        _bad_time(context),
    )


def images_needed(context: Context) -> str:
    """How many images the judged strategy needs to match scratch, in words; empty if unknown."""
    need = context.to_match
    if not context.strategy or math.isnan(need.value):
        return ""
    margin = points(context.thresholds.margin)
    what = f"as good as scratch on all {count(context.everything)}, within {margin} points"
    if math.isinf(need.value):
        return f"{capital(name(context.strategy))} is not {what}, on any subset of the study."
    return f"To be {what}, {name(context.strategy)} needs {_need_figure(context, need)}."


def remedies(context: Context, found: tuple[Clause, ...]) -> list[str]:
    """For each undecided clause, a sentence on what would decide it."""
    told = []
    for clause in found:
        if clause.state == "undecided":
            what = f"Undecided: {clause.name} of '{clause.side}' ({clause.asked}): {clause.figure}."
            told.append(f"{what} {_remedy(context, clause)}")
    return told


def _good_accuracy(context: Context) -> Clause:
    good = context.thresholds.good
    asked = f"above {percent(good.min_accuracy, 0)} on at most {percent(good.max_fraction, 0)} of the images"
    if context.small is None:
        return Clause("good", "accuracy", asked, f"{NOT_MEASURED}: no such subset", "undecided")
    interval = _accuracy(context, context.small)
    above = interval.low > good.min_accuracy + TOLERANCE
    below = interval.high <= good.min_accuracy + TOLERANCE
    return _clause(
        "good", "accuracy", asked, _accuracy_figure(context.small, interval), above, below, interval
    )


def _good_data(context: Context) -> Clause:
    good, margin = context.thresholds.good, context.thresholds.margin
    asked = (
        f"at most {percent(good.max_fraction, 0)} of the images for the accuracy of scratch on all of them, "
        f"within {percent(margin, 0)}"
    )
    need = context.to_match
    held = need.high <= context.limit + TOLERANCE and not context.assumed
    failed = need.low > context.limit + TOLERANCE and not context.assumed
    return _clause("good", "data", asked, _need_figure(context, need), held, failed, need)


def _good_time(context: Context) -> Clause:
    least = context.thresholds.good.min_time_saved
    saved = context.time_saved(context.small)
    asked = f"at least {percent(least, 0)} less time than scratch on all images"
    if saved is None:
        return Clause("good", "time", asked, NOT_MEASURED, "undecided")
    held, failed = saved.low >= least - TOLERANCE, saved.high < least - TOLERANCE
    return _clause("good", "time", asked, _time_figure(context, saved), held, failed, saved)


def _bad_accuracy(context: Context) -> Clause:
    most = context.thresholds.bad.max_accuracy
    asked = f"below {percent(most, 0)} on all images"
    if not context.cells.has(context.strategy, context.everything):
        return Clause("bad", "accuracy", asked, NOT_MEASURED, "undecided")
    interval = _accuracy(context, context.everything)
    below, above = interval.high < most - TOLERANCE, interval.low >= most - TOLERANCE
    return _clause(
        "bad", "accuracy", asked, _accuracy_figure(context.everything, interval), below, above, interval
    )


def _bad_data(context: Context) -> Clause:
    bad, enough = context.thresholds.bad, context.thresholds.good.min_accuracy
    asked = (
        f"at least {percent(bad.min_fraction, 0)} of the images needed, both to reach {percent(enough, 0)} "
        "and to be as good as scratch on all"
    )
    one, two = context.to_match, context.to_be_good
    values = [need.value for need in (one, two) if not math.isnan(need.value)]
    need = Interval(min(values, default=math.nan), min(one.low, two.low), min(one.high, two.high))
    level = bad.min_fraction * context.everything
    held, failed = need.low >= level - TOLERANCE and level > 0, need.high < level - TOLERANCE
    return _clause("bad", "data", asked, _need_figure(context, need), held, failed, need)


def _bad_time(context: Context) -> Clause:
    most = context.thresholds.bad.max_time_saved
    saved = context.time_saved(context.small)
    asked = (
        "no time saved" if most == 0 else f"at most {percent(most, 0)} less time than scratch on all images"
    )
    if saved is None:
        return Clause("bad", "time", asked, NOT_MEASURED, "undecided")
    held, failed = saved.high <= most + TOLERANCE, saved.low > most + TOLERANCE
    return _clause("bad", "time", asked, _time_figure(context, saved), held, failed, saved)


def _clause(
    side: Literal["good", "bad"],
    name: str,
    asked: str,
    figure: str,
    held: bool,
    failed: bool,
    interval: Interval,
) -> Clause:
    state: State = "held" if held else "failed" if failed else "undecided"
    known = None if math.isnan(interval.value) else interval.value
    return Clause(side, name, asked, figure, state, known, interval.low, interval.high)


def _accuracy(context: Context, images: int) -> Interval:
    return context.cells.interval(context.strategy, images, context.thresholds.confidence)


def _accuracy_figure(images: int, interval: Interval) -> str:
    return f"{percents(interval.value, interval.low, interval.high)} on {count(images)} images"


def _need_figure(context: Context, need: Interval) -> str:
    if math.isnan(need.value):
        return NOT_MEASURED
    if math.isinf(need.value):
        return f"not reached with up to {count(context.everything)} images"
    share = percent(need.value / context.everything, 0)
    figure = f"{count(need.value)} images, {share} ("
    if need.low <= 0:
        return figure + (f"at most {count(need.high)})" if math.isfinite(need.high) else "no bounds)")
    high = count(need.high) if math.isfinite(need.high) else f"more than {count(context.everything)}"
    return figure + f"{count(need.low)} to {high})"


def _time_figure(context: Context, saved: Interval) -> str:
    assert context.small is not None
    ours = seconds(context.cells.median(context.strategy, context.small, "seconds"))
    theirs = seconds(context.cells.median("scratch", context.everything, "seconds"))
    return (
        f"{percents(saved.value, saved.low, saved.high, 0)} saved: {ours} on {count(context.small)} images, "
        f"scratch on {count(context.everything)} {theirs}{_with_search(context)}"
    )


def _with_search(context: Context) -> str:
    """The same with both sides' search, where there was any."""
    searched = [
        context.cells.median(strategy, images, "tuning_seconds")
        for strategy, images in ((context.strategy, context.small), ("scratch", context.everything))
        if images is not None
    ]
    saved = context.time_saved(context.small, "seconds_with_search")
    if saved is None or not any(searched):
        return ""
    return f"; {percent(saved.value, 0)} with both sides' search time"


def _remedy(context: Context, clause: Clause) -> str:
    if clause.figure.startswith(NOT_MEASURED):
        return "The study has no result that tells."
    if clause.name == "time":
        return "More draws, or a quieter machine, would decide it."
    good, bad = context.thresholds.good, context.thresholds.bad
    if clause.name == "accuracy":
        images = context.small if clause.side == "good" else context.everything
        assert images is not None
        level = good.min_accuracy if clause.side == "good" else bad.max_accuracy
        return _more(context, context.cells.accuracy(context.strategy, images), level)
    if clause.side == "good" and context.small in context.gains:
        gap = context.cells.difference(context.strategy, context.small, "scratch", context.everything)
        return _more(context, gap, -context.thresholds.margin)
    return "More test images, or subsets in between, would decide it."


def _more(context: Context, estimate: Estimate, level: float) -> str:
    """What would put the estimate beyond the level, if its value stayed."""
    error = (estimate.value - level) / float(stdtrit(estimate.freedom, context.thresholds.confidence))
    allowed = error**2 - estimate.draw_variance
    if allowed <= 0.02 * estimate.image_variance:
        if error**2 > 0.02 * estimate.variance:
            return "More draws would decide it: they differ too much, or are too few."
        return "The figure lies on the threshold: no reasonable number of test images would decide it."
    needed = estimate.images * estimate.image_variance / allowed
    if needed <= estimate.images:
        return "A few more test images would decide it."
    size = 10 ** max(0, math.floor(math.log10(needed)) - 1)
    return f"About {count(math.ceil(needed / size) * size)} test images would decide it, if the figure stays."
