"""Chooses the precision of training by measuring it, where training is long enough for that to pay."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from headstart.components.shared.base.inference import InInference

_LONG = 60.0  # seconds of training, at most, below which nothing is measured
# bfloat16 is less exact, so it has to be worth it; and a choice on a knife's edge would not come out the
# same the next time.
_FASTER = 2.0


def choose_precision(base: InInference, wanted: str, values: Any, steps: int) -> dict[str, float]:
    """Set a base's precision: as wanted, or to bfloat16 if that trains at least twice as fast.

    Gradients are computed and not applied, and nothing random is drawn: no training is changed by it.

    Args:
        base: with some of its blocks unfrozen.
        wanted: "float32", "bfloat16" or "auto".
        values: one batch of its inputs.
        steps: most steps that the training can take.

    Returns:
        Seconds a step by precision, as far as they were measured.
    """
    base.precision = "float32" if wanted == "auto" else wanted
    if wanted != "auto" or _seconds(_gradients, base, values) * steps < _LONG:  # no graph: good enough
        return {}
    measured = {}
    for base.precision in ("float32", "bfloat16"):
        measured[base.precision] = _seconds(tf.function(_gradients, autograph=False), base, values)
    if measured["bfloat16"] * _FASTER > measured["float32"]:
        base.precision = "float32"
    return measured


def _gradients(base: InInference, values: Any) -> list[tf.Tensor]:
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(base(values, training=True))
    return tape.gradient(loss, [weight.value for weight in base.trainable_weights])


def _seconds(run: Callable[..., list[tf.Tensor]], *arguments: Any) -> float:
    """The least of four runs after a first one."""
    found = []
    for _ in range(5):
        started = time.perf_counter()
        run(*arguments)[-1].numpy()
        found.append(time.perf_counter() - started)
    return min(found[1:])
