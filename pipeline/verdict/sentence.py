"""The verdict as a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence

from headstart.pipeline.verdict.clauses import images_needed
from headstart.pipeline.verdict.context import Context
from headstart.pipeline.verdict.findings import SCRATCH, Clause, Comparison
from headstart.pipeline.verdict.words import count, listed, name, percent, seconds

_WHAT = {"accuracy": "accuracy", "data": "the images needed to match scratch", "time": "time saved"}


def sentence(context: Context, rating: str, found: Sequence[Clause], compared: Sequence[Comparison]) -> str:
    """Rating, the figures it rests on, why it is not better, the images needed, and negative transfer."""
    if not context.strategy:
        return "Not judged: no transfer strategy has a result."
    parts = [f"{_heading(context, rating)}: {_evidence(context)}.", _why(rating, found)]
    if not context.thresholds.rate_images_needed:
        parts.append(images_needed(context))
    parts.append(_negative(compared))
    return " ".join(part for part in parts if part)


def _heading(context: Context, rating: str) -> str:
    if rating == "good":
        return "Good"
    saving = {"proven": ", yet a proven saving", "by point estimate": ", yet a saving by point estimate"}
    return rating.capitalize() + saving.get(context.saving_kind, "")


def _evidence(context: Context) -> str:
    """What transfer reaches with how much, against scratch on everything."""
    cells, images = context.cells, context.working
    assert images is not None
    share = images / context.everything
    ours = (
        f"with {count(images)} images ({percent(share, 0)}) {name(context.strategy)} reaches "
        f"{percent(cells.accuracy(context.strategy, images).value)}{_average(context, images)} in "
        f"{seconds(cells.median(context.strategy, images, 'seconds'))}"
    )
    if not context.against:
        return ours
    told = (
        f"{ours}, scratch with all {count(context.everything)} reaches "
        f"{percent(cells.accuracy(SCRATCH, context.everything).value)} in "
        f"{seconds(cells.median(SCRATCH, context.everything, 'seconds'))}"
    )
    saved = context.time_saved(images)
    if context.saving is None or saved is None:
        return told
    fewer = percent(1 - share, 0)
    kind = {"proven": "a proven saving of", "by point estimate": "by point estimate, a saving of"}
    return (
        f"{told}: {kind[context.saving_kind]} {fewer} of the images and {percent(saved.value, 0)} of the time"
    )


def _average(context: Context, images: int) -> str:
    """The table has the median over the draws; that of two is their mean."""
    return " on average" if len(context.cells.draws(context.strategy, images)) > 2 else ""


def _why(rating: str, found: Sequence[Clause]) -> str:
    told = {
        "good": [],
        "bad": [_clauses("Bad by", found, "bad", "held")],
        "mixed": [_mixed(found)],
    }[rating]
    return " ".join(part for part in told if part)


def _mixed(found: Sequence[Clause]) -> str:
    good = [clause for clause in found if clause.side == "good"]
    held = [_WHAT[clause.name] for clause in good if clause.state == "held"]
    parts = [f"good by {listed(held)}"] if held else []
    for state, opening in (("failed", "not by"), ("undecided", "undecided by")):
        some = [f"{_WHAT[clause.name]} ({clause.figure})" for clause in good if clause.state == state]
        parts += [f"{opening} {listed(some)}"] if some else []
    told = "; ".join(parts)
    return f"{told[:1].upper()}{told[1:]}." if told else ""


def _clauses(opening: str, found: Sequence[Clause], side: str, state: str) -> str:
    some = [f"{_WHAT[c.name]} ({c.figure})" for c in found if c.side == side and c.state == state]
    return f"{opening} {listed(some)}." if some else ""


def _negative(compared: Sequence[Comparison]) -> str:
    worse = [one for one in compared if one.verdict == "worse"]
    if not worse:
        return ""
    subsets: dict[str, list[str]] = {}  # by strategy: often the same one on several
    for one in worse:
        subsets.setdefault(name(one.strategy), []).append(count(one.images))
    places = [f"{strategy} with {listed(sizes)} images" for strategy, sizes in subsets.items()]
    return (
        f"Negative transfer: scratch is significantly better than transfer at its best, {'; '.join(places)}."
    )
