"""What the verdict's measures are called on the page, and how each is written."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from headstart.pipeline.verdict.words import percent, points, seconds


def _points(value: float) -> str:
    return f"{'+' if value > 0 else ''}{points(value)} points".replace("-", "\N{MINUS SIGN}")


def _count(value: float) -> str:
    return f"{value:,.0f}" if math.isfinite(value) else "without end"


_KNOWN: dict[str, tuple[str, Callable[[float], str]]] = {
    "time_saved": ("Training time saved, against scratch on all images", percent),
    "time_saved_to_best": ("The same, to the weights that were kept", percent),
    "time_saved_with_setup": ("The same, with building and tracing", percent),
    "time_saved_with_search": ("The same, with the search of both sides", percent),
    "time_saved_cpu": ("CPU time saved", percent),
    "time_to_scratch_accuracy_saved": (
        "Time saved on the way to scratch's best validation accuracy",
        percent,
    ),
    "scratch_tuning_seconds": ("Scratch's search time, besides", seconds),
    "transfer_tuning_seconds": ("Search time of transfer on these images, besides", seconds),
    "data_saved": ("Labelled images saved, for the accuracy of scratch on all of them", percent),
    "images_needed": ("Images that transfer needs for it", _count),
    "images_scratch_needs": ("Images that scratch would need to match transfer on the small subset", _count),
    "transfer_accuracy": ("Accuracy of transfer on all images", percent),
    "scratch_accuracy": ("Accuracy of scratch on all images", percent),
    "transfer_accuracy_small": ("Accuracy of transfer on the small subset", percent),
    "accuracy_gain": ("Accuracy gained on scratch, both on all images", _points),
    "accuracy_gain_small": ("Accuracy gained on scratch, both on the small subset", _points),
    "jump_start": ("Accuracy gained on scratch, both on the smallest subset", _points),
    "asymptotic_advantage": ("Accuracy gained on scratch as images grow without end", _points),
    "amortisation_uses": ("Uses after which pretraining the base has paid", _count),
}
# Told in sections of their own.
_ELSEWHERE = ("error_", "data_reliance_", "negative_transfer", "overfitting_cells")


@dataclass(frozen=True)
class Measure:
    """One line: its label, its figure in words, its key in verdict.json."""

    key: str
    label: str
    figure: str


def told(measures: dict[str, float]) -> list[Measure]:
    """The measures as people read them, known ones first; `<key>_low` and `<key>_high` are its range."""
    bounds = {f"{key}_{end}" for key in measures for end in ("low", "high")}
    keys = [key for key in _KNOWN if key in measures]
    keys += [
        key for key in measures if key not in _KNOWN and key not in bounds and not key.startswith(_ELSEWHERE)
    ]
    lines = []
    for key in keys:
        label, write = _KNOWN.get(key) or (key.replace("_", " ").capitalize(), _writer(key))
        low, high = measures.get(f"{key}_low"), measures.get(f"{key}_high")
        bracket = f" ({write(low)} to {write(high)})" if low is not None and high is not None else ""
        lines.append(Measure(key, label, write(measures[key]) + bracket))
    return lines


def _writer(key: str) -> Callable[[float], str]:
    """How a measure is written that is not in the list, from its name."""
    if key.endswith("seconds"):
        return seconds
    if "images" in key or "uses" in key:
        return _count
    if "saved" in key or "accuracy" in key or key.endswith(("_f1", "_precision", "_recall")):
        return percent
    return lambda value: f"{value:.3g}"
