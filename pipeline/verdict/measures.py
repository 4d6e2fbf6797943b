"""The figures of a study as flat numbers; docs/verdict.md defines each and gives its source."""

from __future__ import annotations

import math
from statistics import median

from headstart.pipeline.verdict.context import Context
from headstart.pipeline.verdict.curves import Fit, reach
from headstart.pipeline.verdict.findings import SCRATCH, Result
from headstart.pipeline.verdict.words import count, name, seconds


def measures(
    context: Context, fits: dict[str, Fit], pretrain_seconds: float | None
) -> tuple[dict[str, float], list[str]]:
    """All measures that can be had, and sentences on those that cannot or are weak."""
    notes: list[str] = []
    told = {
        **_time(context),
        **_time_to_scratch_accuracy(context, notes),
        **_data(context, fits, notes),
        **_accuracy(context, fits, notes),
        **_amortisation(context, pretrain_seconds, notes),
    }
    for strategy, fit in fits.items():
        told[f"error_{strategy}"] = fit.error(context.everything)
        told[f"data_reliance_{strategy}"] = fit.data_reliance(context.everything)
    return {key: float(value) for key, value in told.items() if math.isfinite(value)}, notes


def _time(context: Context) -> dict[str, float]:
    """Shares of scratch's time saved on the working subset, by each kind of clock."""
    cells, told = context.cells, {}
    clocks = {
        "": "seconds",
        "_cpu": "cpu_seconds",
        "_to_best": "seconds_to_best",
        "_with_setup": "all_seconds",
        "_with_search": "seconds_with_search",
    }
    for suffix, field in clocks.items():
        saved = context.time_saved(context.working, field)
        if saved:
            told[f"time_saved{suffix}"] = saved.value
    if context.against:
        told["scratch_tuning_seconds"] = cells.median(SCRATCH, context.everything, "tuning_seconds")
    if context.against and context.working is not None:
        told["transfer_tuning_seconds"] = cells.median(context.strategy, context.working, "tuning_seconds")
    return told


def _time_to_scratch_accuracy(context: Context, notes: list[str]) -> dict[str, float]:
    """Time to threshold (Taylor and Stone 2009), the threshold being scratch's best validation accuracy."""
    scratch = _histories(context, SCRATCH)
    transfer = _histories(context, context.strategy)
    if not context.against or not scratch or not transfer:
        return {}
    level = float(median([max(row[3] for row in one.history) for one in scratch]))
    theirs = median([_seconds_to(one, level) for one in scratch])
    ours = median([_seconds_to(one, level) for one in transfer])
    if not math.isfinite(ours):
        notes.append(
            f"On {count(context.everything)} images {name(context.strategy)} does not reach scratch's best "
            "validation accuracy: the time to it is not told."
        )
        return {}
    if not (math.isfinite(theirs) and theirs > 0):
        return {}
    return {"time_to_scratch_accuracy_saved": float(1 - ours / theirs)}


def _histories(context: Context, strategy: str) -> list[Result]:
    return [one for one in context.cells.draws(strategy, context.everything).values() if one.history]


def _seconds_to(result: Result, accuracy: float) -> float:
    return next((row[0] for row in result.history if row[3] >= accuracy - 1e-9), math.inf)


def _data(context: Context, fits: dict[str, Fit], notes: list[str]) -> dict[str, float]:
    """Images that transfer needs to match scratch, and scratch to match transfer."""
    told = {}
    need = context.to_match.value
    if math.isfinite(need):
        told["images_needed"] = need
        told["images_needed_low"], told["images_needed_high"] = context.to_match.low, context.to_match.high
        told["data_saved"] = 1 - need / context.everything
        if need <= min(context.gains):
            notes.append(
                f"Fewer than {count(need)} images were not tried: {name(context.strategy)} may need still "
                "fewer to be as good as scratch on all of them."
            )
    if context.small is not None and context.against:
        told["images_scratch_needs"] = _scratch_needs(context, fits.get(SCRATCH), notes)
    return told


def _scratch_needs(context: Context, curve: Fit | None, notes: list[str]) -> float:
    """Images with which scratch has the accuracy that transfer has on small; infinite if unknown."""
    assert context.small is not None
    level = context.cells.accuracy(context.strategy, context.small).value
    subsets = context.cells.subsets(SCRATCH)
    images = reach(subsets, [context.cells.accuracy(SCRATCH, n).value for n in subsets], level)
    what = f"what {name(context.strategy)} reaches with {count(context.small)} images"
    if images <= subsets[0]:
        notes.append(f"Scratch has {what} with {count(images)} already: it may need still fewer.")
    if math.isfinite(images):
        return images
    beyond = f"Scratch does not reach {what} with any subset"
    if curve is None:
        notes.append(f"{beyond}; with how many images it would, a study of three subsets or more can tell.")
        return math.inf
    images = curve.images_for(1 - level)
    if images <= context.everything:  # the fit is above the points that it was made from
        notes.append(f"{beyond}, and its fitted curve is too far off there to tell with how many it would.")
        return math.inf
    if math.isinf(images):
        notes.append(f"{beyond}, by its fitted curve with no number of images.")
    else:
        notes.append(f"{beyond}; by its fitted curve it would with about {count(images)}: extrapolated.")
    return images


def _accuracy(context: Context, fits: dict[str, Fit], notes: list[str]) -> dict[str, float]:
    """Accuracies of the judged strategy and of scratch, and the gain where both have the same images."""
    cells, strategy, told = context.cells, context.strategy, {}
    subsets = cells.subsets(strategy)
    both = [n for n in subsets if cells.has(SCRATCH, n)]
    places = {
        "transfer_accuracy": (strategy, context.everything),
        "scratch_accuracy": (SCRATCH, context.everything),
    }
    if context.small is not None:
        places["transfer_accuracy_small"] = (strategy, context.small)
    for key, (one, images) in places.items():
        if cells.has(one, images):
            told[key] = cells.accuracy(one, images).value
    gain = {n: cells.difference(strategy, n, SCRATCH, n).value for n in both}
    if context.everything in gain:
        told["accuracy_gain"] = told["asymptotic_advantage"] = gain[context.everything]
    if context.small in gain:
        told["accuracy_gain_small"] = gain[context.small]
    if gain:
        told["jump_start"] = gain[min(gain)]
    fitted = [fits[one] for one in (SCRATCH, strategy) if one in fits]
    if len(fitted) == 2 and not any(fit.weak for fit in fitted):
        told["asymptotic_advantage"] = fitted[0].alpha - fitted[1].alpha
    elif "asymptotic_advantage" in told:
        notes.append(
            "The asymptotic advantage is that on the largest subset: a learning curve is missing or weak."
        )
    return told


def _amortisation(context: Context, pretrain_seconds: float | None, notes: list[str]) -> dict[str, float]:
    """Uses after which the base's own pretraining has paid: its seconds over those saved at each use."""
    if pretrain_seconds is None or not context.against or context.working is None:
        return {}
    theirs = context.cells.median(SCRATCH, context.everything, "seconds")
    saved = theirs - context.cells.median(context.strategy, context.working, "seconds")
    if saved <= 0:
        notes.append(
            f"Pretraining the base took {seconds(pretrain_seconds)} and never pays: no time is saved."
        )
        return {}
    return {"amortisation_uses": math.ceil(pretrain_seconds / saved - 1e-9)}
