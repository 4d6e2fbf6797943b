"""Strategies against each other on the same test images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from headstart.components.shared.statistics import mcnemar
from headstart.pipeline.verdict.cells import Cells
from headstart.pipeline.verdict.choice import best_on
from headstart.pipeline.verdict.findings import CONTROLS, SCRATCH, SIMPLE, Comparison
from headstart.pipeline.verdict.statistics import holm
from headstart.pipeline.verdict.words import capital, count, name, p_value, percent, points, seconds

# Share of the error rate with which the test on the largest subset begins: the model that is promoted is from
# there. The other subsets have the rest, and all of it once that test has decided.
LARGEST = 0.75


def comparisons(cells: Cells, confidence: float) -> tuple[Comparison, ...]:
    """Every transfer strategy against scratch on every subset that both have: two-sided, one error rate."""
    found = [
        _compare(cells, strategy, SCRATCH, images, confidence)
        for strategy in cells.transfer
        for images in cells.subsets(strategy)
        if cells.has(SCRATCH, images)
    ]
    adjusted = holm([one.p_value for one in found])
    return tuple(_judged(one, p, confidence) for one, p in zip(found, adjusted))


def headline(cells: Cells, confidence: float) -> tuple[Comparison, ...]:
    """Transfer at its best against scratch, a comparison a subset: is it worse?"""
    return _at_its_best(cells, lambda images: SCRATCH if cells.has(SCRATCH, images) else "", confidence)


def simple(cells: Cells, confidence: float) -> tuple[Comparison, ...]:
    """Transfer at its best against the best of the simple ways, a comparison a subset: is it worse?"""
    return _at_its_best(cells, lambda images: best_on(cells, SIMPLE, images), confidence)


def negative_transfer(found: Sequence[Comparison], largest: int, confidence: float) -> tuple[str, ...]:
    """A sentence for each subset on which scratch is better than transfer at its best, beyond chance."""
    return tuple(f"Negative transfer: {told}" for told in _lost(found, largest, confidence))


def beaten_by_simple(found: Sequence[Comparison], largest: int, confidence: float) -> tuple[str, ...]:
    """A sentence for each subset on which a simple way is better than transfer at its best."""
    return tuple(capital(told) for told in _lost(found, largest, confidence))


def controls(cells: Cells, confidence: float) -> tuple[str, ...]:
    """A sentence a control: does the head alone explain what transfer reaches?"""
    told = []
    for control in CONTROLS:
        places = [n for n in cells.subsets(control) if best_on(cells, cells.transfer, n)]
        if not places:
            continue
        images = max(places)
        best = best_on(cells, cells.transfer, images)
        gain = cells.difference(best, images, control, images).interval(1 - (1 - confidence) / 2)
        if gain.low > 0:
            meaning = "the head alone does not explain the result"
        elif gain.high < 0:
            meaning = "the pretrained weights do not explain the result"
        else:
            meaning = "no difference is shown, and the head alone may explain the result"
        told.append(
            f"Control: with {count(images)} images {name(control)} reaches "
            f"{percent(cells.accuracy(control, images).value)}, {name(best)} "
            f"{percent(cells.accuracy(best, images).value)} (difference {points(gain.value)} points, "
            f"{percent(confidence, 0)}: {points(gain.low)} to {points(gain.high)}): {meaning}."
        )
    return tuple(told)


def cheapest(cells: Cells, confidence: float) -> str:
    """The strategy of the least time on the largest subset that is not significantly below the best there.

    References count too. Each is compared with the best by the paired test, one-sided and uncorrected: a
    correction would only let more strategies pass.
    """
    images = cells.largest
    strategies = [strategy for strategy in cells.strategies if cells.has(strategy, images)]
    if not strategies:
        return ""
    duration = {strategy: cells.median(strategy, images, "seconds") for strategy in strategies}
    accuracy = {strategy: round(cells.accuracy(strategy, images).value, 9) for strategy in strategies}
    best = max(strategies, key=lambda strategy: (accuracy[strategy], -duration[strategy]))
    passing = [
        strategy
        for strategy in strategies
        if strategy == best or cells.difference(strategy, images, best, images).interval(confidence).high >= 0
    ]
    winner = min(passing, key=lambda strategy: (duration[strategy], -accuracy[strategy]))

    def told(strategy: str) -> str:
        return f"{name(strategy)} ({percent(accuracy[strategy])} in {seconds(duration[strategy])})"

    where = f"on {count(images)} images"
    if winner == best:
        return capital(
            f"{told(best)} is the best strategy {where}, and no cheaper one is within error of it."
        )
    return capital(f"{told(winner)} is the cheapest strategy within error of the best {where}, {told(best)}.")


def _at_its_best(cells: Cells, opponent: Callable[[int], str], confidence: float) -> tuple[Comparison, ...]:
    """On each subset the transfer strategy that is best on validation: one-sided tests, one error rate."""
    found = []
    for images in sorted({n for strategy in cells.transfer for n in cells.subsets(strategy)}):
        best, other = best_on(cells, cells.transfer, images), opponent(images)
        if other:
            found.append(_compare(cells, best, other, images, confidence, one_sided=True))
    rest = (1 - LARGEST) / max(1, len(found) - 1)
    weights = [LARGEST if one.images == cells.largest else rest for one in found]
    adjusted = holm([one.p_value for one in found], weights)
    return tuple(
        replace(
            one,
            adjusted=p,
            verdict="worse" if p <= 1 - confidence + 1e-12 else "no difference shown",
        )
        for one, p in zip(found, adjusted)
    )


def _compare(
    cells: Cells, strategy: str, other: str, images: int, confidence: float, one_sided: bool = False
) -> Comparison:
    estimate = cells.difference(strategy, images, other, images)
    ours, theirs = cells.discordant(strategy, other, images)
    p = estimate.p_worse if one_sided else estimate.p_value
    if len(cells.draws(strategy, images)) == len(cells.draws(other, images)) == 1:
        exact = mcnemar(ours, theirs)
        p = max(p, exact if one_sided else min(1.0, 2 * min(exact, mcnemar(theirs, ours))))
    interval = cells.gain(strategy, images, other, images, 1 - (1 - confidence) / 2)
    if one_sided:  # the best of several runs on validation is not one that collapsed
        interval = replace(interval, high=estimate.interval(1 - (1 - confidence) / 2).high)
    fraction = next(iter(cells.draws(strategy, images).values())).fraction
    return Comparison(strategy, fraction, images, interval, p, p, "no difference shown", ours, theirs, other)


def _judged(one: Comparison, adjusted: float, confidence: float) -> Comparison:
    may_be_equal = one.difference.low <= 0 <= one.difference.high  # as where a single run may have collapsed
    if adjusted > 1 - confidence + 1e-12 or may_be_equal:
        return replace(one, adjusted=adjusted)
    return replace(one, adjusted=adjusted, verdict="better" if one.difference.value > 0 else "worse")


def _lost(found: Sequence[Comparison], largest: int, confidence: float) -> list[str]:
    told = []
    for one in found:
        if one.verdict != "worse":
            continue
        where = f"{'all ' if one.images == largest else ''}{count(one.images)} images"
        gain = one.difference
        bounds = f"{percent(confidence, 0)}: {points(-gain.high)} to {points(-gain.low)}"
        tests = f"{p_value(one.adjusted)}" + (
            f" after Holm's correction for {len(found)} subsets" if len(found) > 1 else ""
        )
        told.append(
            f"with {where} {name(one.against)} is {points(-gain.value)} points better than "
            f"{name(one.strategy)}, transfer at its best there ({bounds}), one-sided {tests}."
        )
    return told
