"""Arms against each other on the same test images: negative transfer, and the cheapest arm within error."""

from __future__ import annotations

from dataclasses import replace

from pipeline.verdict.cells import Cells
from pipeline.verdict.findings import SCRATCH, Comparison
from pipeline.verdict.statistics import Difference, difference, holm, mcnemar
from pipeline.verdict.words import count, name, p_value, percent, points, seconds


def comparisons(cells: Cells, confidence: float) -> tuple[Comparison, ...]:
    """Every transfer arm against scratch on every subset that both have, under one error rate."""
    found = [
        _compare(cells, arm, images, confidence)
        for arm in cells.transfer
        for images in cells.subsets(arm)
        if cells.has(SCRATCH, images)
    ]
    adjusted = holm([one.p_value for one in found])
    return tuple(_judged(one, p, confidence) for one, p in zip(found, adjusted))


def negative_transfer(found: tuple[Comparison, ...], largest: int, confidence: float) -> tuple[str, ...]:
    """A sentence for each comparison that scratch wins beyond chance."""
    told = []
    for one in found:
        if one.verdict != "worse":
            continue
        where = f"{'all ' if one.images == largest else ''}{count(one.images)} images"
        gain = one.difference
        bounds = f"{percent(confidence, 0)}: {points(-gain.high)} to {points(-gain.low)}"
        told.append(
            f"Negative transfer: with {where} scratch is {points(-gain.value)} points better than "
            f"{name(one.arm)} ({bounds}), {p_value(one.adjusted)} after Holm's correction for {len(found)} "
            "comparisons."
        )
    return tuple(told)


def cheapest(cells: Cells, confidence: float) -> str:
    """The arm of the least time on the largest subset that is not significantly below the best there.

    References count as arms. Each is compared with the best by the paired test, one-sided and uncorrected:
    a correction would only let more arms pass. So would what draws differ by on smaller subsets: where both
    have one draw, the two trained models are compared, on the test images alone.
    """
    images = cells.largest
    arms = [arm for arm in cells.arms if cells.has(arm, images)]
    if not arms:
        return ""
    duration = {arm: cells.median(arm, images, "seconds") for arm in arms}
    accuracy = {arm: round(cells.accuracy(arm, images).value, 9) for arm in arms}
    best = max(arms, key=lambda arm: (accuracy[arm], -duration[arm]))
    passing = [
        arm for arm in arms if arm == best or _gain(cells, arm, best, images).interval(confidence).high >= 0
    ]
    winner = min(passing, key=lambda arm: (duration[arm], -accuracy[arm]))

    def told(arm: str) -> str:
        return f"{name(arm)} ({percent(accuracy[arm])} in {seconds(duration[arm])})"

    where = f"on {count(images)} images"
    if winner == best:
        return _capital(f"{told(best)} is the best arm {where}, and no cheaper one is within error of it.")
    return _capital(f"{told(winner)} is the cheapest arm within error of the best {where}, {told(best)}.")


def _gain(cells: Cells, arm: str, best: str, images: int) -> Difference:
    if len(cells.draws(arm, images)) == len(cells.draws(best, images)) == 1:
        return difference(cells.table(arm, images), cells.table(best, images), [])
    return cells.difference(arm, images, best, images)


def _compare(cells: Cells, arm: str, images: int, confidence: float) -> Comparison:
    estimate = cells.difference(arm, images, SCRATCH, images)
    ours, theirs = cells.discordant(arm, SCRATCH, images)
    p = estimate.p_value
    if len(cells.draws(arm, images)) == len(cells.draws(SCRATCH, images)) == 1:
        p = max(p, mcnemar(ours, theirs))
    interval = estimate.interval(1 - (1 - confidence) / 2)
    fraction = next(iter(cells.draws(arm, images).values())).fraction
    return Comparison(arm, fraction, images, interval, p, p, "no difference shown", ours, theirs)


def _judged(one: Comparison, adjusted: float, confidence: float) -> Comparison:
    if adjusted > 1 - confidence + 1e-12:
        return replace(one, adjusted=adjusted)
    return replace(one, adjusted=adjusted, verdict="better" if one.difference.value > 0 else "worse")


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
