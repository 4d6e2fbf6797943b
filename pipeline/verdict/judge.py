"""Whether transfer learning saved time and data: the verdict on a study, from its results alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from headstart.pipeline.config.decisions import Thresholds
from headstart.pipeline.verdict.cells import Cells
from headstart.pipeline.verdict.choice import best_by_validation
from headstart.pipeline.verdict.clauses import clauses, images_needed, remedies
from headstart.pipeline.verdict.collapses import below_fewer_images, below_other_draws, most_lost
from headstart.pipeline.verdict.comparisons import (
    beaten_by_simple,
    cheapest,
    comparisons,
    controls,
    headline,
    negative_transfer,
    simple,
)
from headstart.pipeline.verdict.context import Context
from headstart.pipeline.verdict.curves import Fit, fit
from headstart.pipeline.verdict.findings import (
    SCRATCH,
    Clause,
    Comparison,
    LearningCurve,
    Result,
    Row,
    Verdict,
)
from headstart.pipeline.verdict.measures import measures
from headstart.pipeline.verdict.overfitting import overfitting
from headstart.pipeline.verdict.sentence import sentence
from headstart.pipeline.verdict.words import count, listed, name, percent

_LEARNT = 0.9  # training accuracy, without augmentation


def judge(
    results: Sequence[Result],
    thresholds: Thresholds,
    classes: int,
    pretrain_seconds: float | None = None,
    groups: Sequence[object] | np.ndarray | None = None,
) -> Verdict:
    """Judge a study.

    Args:
        results: its cells. Any may be missing; the notes name what could not be measured.
        thresholds: section `verdict` of params.yaml.
        classes: of the task.
        pretrain_seconds: that the base's own pretraining took, where it is known.
        groups: of each test image, in the order of the results: the same person, the same scene. None where
            every image is its own.
    """
    every = Cells(results, groups)
    left_out = below_other_draws(every)
    keys = {(one.strategy, one.images, one.draw) for one in left_out}
    sound = [one for one in results if (one.strategy, one.images, one.draw) not in keys]
    cells = Cells(sound, groups, most_lost(left_out, every))
    collapsed = (*left_out, *below_fewer_images(cells))
    context = Context(cells, thresholds, classes, _judged(cells, thresholds, classes))
    found = clauses(context)
    rating = rate(found)
    against_scratch = headline(cells, thresholds.confidence)
    against_simple = simple(cells, thresholds.confidence)
    fits = {strategy: curve for strategy in cells.strategies if (curve := _fit(cells, strategy))}
    figures, notes = measures(context, fits, pretrain_seconds)
    overfit = overfitting(cells, thresholds.max_overfit_gap, thresholds.confidence)
    negative = negative_transfer(against_scratch, context.everything, thresholds.confidence)
    figures["negative_transfer"] = float(len(negative))
    figures["overfitting_cells"] = float(sum(bool(one.signs) for one in overfit))
    return Verdict(
        rating=rating,
        saving=context.saving_kind,
        sentence=sentence(context, rating, found, against_scratch),
        strategy=context.strategy,
        clauses=found,
        rows=tuple(
            _row(cells, strategy, n, thresholds)
            for strategy in cells.strategies
            for n in cells.subsets(strategy)
        ),
        comparisons=comparisons(cells, thresholds.confidence),
        negative=negative,
        confidence=thresholds.confidence,
        overfitting=overfit,
        curves=tuple(_curve(strategy, one, cells.largest) for strategy, one in fits.items()),
        cheapest=cheapest(cells, thresholds.confidence),
        notes=(
            *_missing(context),
            *(one.sentence for one in collapsed),
            *remedies(context, found),
            *notes,
            *_weak(fits),
        ),
        measures=figures,
        headline=against_scratch,
        simple=against_simple,
        findings=_findings(context, against_simple),
        collapsed=collapsed,
    )


def rate(found: Sequence[Clause]) -> Literal["good", "mixed", "bad"]:
    """Good where all conditions of `good` hold, bad where one of `bad` does, else mixed."""
    if any(clause.state == "held" for clause in found if clause.side == "bad"):
        return "bad"
    return "good" if all(clause.state == "held" for clause in found if clause.side == "good") else "mixed"


def _findings(context: Context, against_simple: Sequence[Comparison]) -> tuple[str, ...]:
    confidence = context.thresholds.confidence
    # Where the images needed are not rated, the sentence names them.
    needed = images_needed(context) if context.thresholds.rate_images_needed else ""
    return (
        *((needed,) if needed else ()),
        *beaten_by_simple(against_simple, context.everything, confidence),
        *controls(context.cells, confidence),
    )


def _judged(cells: Cells, thresholds: Thresholds, classes: int) -> str:
    """The strategy that is rated: of those that save the time asked for, the most accurate on validation.

    R4 asks for accuracy and time of one strategy. Where none saves the time, all are in the choice. Neither
    the seconds nor the validation split know the answers on the test split.
    """

    def saves(strategy: str) -> bool:
        context = Context(cells, thresholds, classes, strategy)
        saved = context.time_saved(context.small)
        return saved is not None and saved.low >= thresholds.good.min_time_saved

    return best_by_validation(
        cells, [strategy for strategy in cells.transfer if saves(strategy)] or cells.transfer
    )


def _row(cells: Cells, strategy: str, images: int, thresholds: Thresholds) -> Row:
    draws = list(cells.draws(strategy, images).values())
    interval = cells.interval(strategy, images, 1 - (1 - thresholds.confidence) / 2)
    return Row(
        strategy=strategy,
        fraction=draws[0].fraction,
        images=images,
        draws=len(draws),
        accuracy=cells.median(strategy, images, "accuracy"),
        accuracy_min=min(one.accuracy for one in draws),
        accuracy_max=max(one.accuracy for one in draws),
        low=interval.low,
        high=interval.high,
        seconds=cells.median(strategy, images, "seconds"),
        seconds_min=min(one.seconds for one in draws),
        seconds_max=max(one.seconds for one in draws),
        seconds_to_best=cells.median(strategy, images, "seconds_to_best"),
        cpu_seconds=cells.median(strategy, images, "cpu_seconds"),
        setup_seconds=cells.median(strategy, images, "setup_seconds"),
        tuning_seconds=cells.median(strategy, images, "tuning_seconds"),
        spread=cells.spreads.origin(strategy, images),
    )


def _fit(cells: Cells, strategy: str) -> Fit | None:
    subsets = cells.subsets(strategy)
    estimates = [cells.accuracy(strategy, n) for n in subsets]
    errors = [1 - estimate.value for estimate in estimates]
    # One error in the test split is the smallest difference that can be measured.
    return fit(subsets, errors, [max(estimate.variance, 1 / estimate.images**2) for estimate in estimates])


def _curve(strategy: str, one: Fit, images: int) -> LearningCurve:
    return LearningCurve(
        strategy=strategy,
        alpha=one.alpha,
        eta=one.eta,
        gamma=one.gamma,
        error=one.error(images),
        data_reliance=one.data_reliance(images),
        residual=one.residual,
        weak=one.weak,
    )


def _missing(context: Context) -> list[str]:
    """What the study lacks, and what makes its figures weaker than they look."""
    cells, everything = context.cells, context.everything
    notes = []
    if not context.strategy:
        notes.append("No transfer strategy has a result: transfer learning cannot be judged.")
    if SCRATCH not in cells.strategies:
        notes.append("Scratch has no result: neither saved time nor saved data can be told.")
    elif not cells.has(SCRATCH, everything):
        notes.append(f"Scratch has no result on all {count(everything)} images: savings cannot be told.")
    elif context.guessing:
        notes.append(
            f"Scratch on all {count(everything)} images "
            f"({percent(cells.accuracy(SCRATCH, everything).value)}) is not shown to be better than guessing "
            f"among {context.classes} classes: it is no opponent, and savings cannot be told."
        )
    else:
        unfinished = [one for one in cells.draws(SCRATCH, everything).values() if _still_rising(one)]
        if unfinished:
            notes.append(
                f"Scratch on all {count(everything)} images was still learning when its epochs ended "
                f"(training accuracy {percent(unfinished[0].train_accuracy)}): a weaker opponent than it "
                "could be, and a faster one. Raise scratch.epochs."
            )
    if context.strategy and context.small is None:
        notes.append(f"{name(context.strategy)} has no result on {count(context.limit)} images or fewer.")
    if everything < cells.total:
        notes.append(
            f"The largest subset has {count(everything)} of {count(cells.total)} images: here it stands for "
            "all of them, and the verdict's shares are of it."
        )
    if cells.units.count:
        notes.append(
            f"The test images come in {count(cells.units.count)} groups (the column group, or copies): "
            "intervals and tests count the groups."
        )
    spreads = {
        cells.spreads.origin(strategy, n) for strategy in cells.transfer for n in cells.subsets(strategy)
    }
    if "assumed" in spreads:
        notes.append(
            "The spread of the draws is assumed, and large, in some intervals: no cell of the study measures "
            "it. Two draws of a subset would."
        )
    gaps = [
        f"{name(strategy)} on {count(n)} images"
        for strategy in (SCRATCH, *cells.transfer)
        for n in sorted({r.images for r in cells.results if r.strategy in (SCRATCH, *cells.transfer)})
        if strategy in cells.strategies and not cells.has(strategy, n)
    ]
    if gaps:
        notes.append(f"No result of {listed(gaps)}.")
    return notes


def _still_rising(one: Result) -> bool:
    """Whether the images were not learnt, and the last fifth of the epochs still brought better weights."""
    accuracies = [row[3] for row in one.history]
    late = math.ceil(0.8 * len(accuracies))
    if one.train_accuracy >= _LEARNT or not late or late == len(accuracies):
        return False
    return max(accuracies[late:]) > max(accuracies[:late])


def _weak(fits: dict[str, Fit]) -> list[str]:
    return [
        f"The learning curve of {name(strategy)} is weak: {one.weak}."
        for strategy, one in fits.items()
        if one.weak
    ]
