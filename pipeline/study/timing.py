"""Times a few steps of the network on this machine: what the price of a study is made from."""

from __future__ import annotations

import json
import os
import time
from statistics import median
from typing import Any

from headstart.components.shared.strategies import BY_NAME
from headstart.pipeline.config.design import Design
from headstart.pipeline.config.training import Base
from headstart.pipeline.project import WORK
from headstart.pipeline.startup import library_logs
from headstart.pipeline.study.price import Costs

_FILE = WORK / "costs.json"
_STEPS = 4
_FORWARD = 64  # images of a batch


def measure(base: Base, batch: int, design: Design, classes: int) -> Costs:
    """Seconds of a training step and of the base's answer for one image, on random pixels.

    They are kept in `.headstart/costs.json` and taken from there while base, batch and cores are the same.

    Args:
        base: the base.
        batch: images of a training step.
        design: of the study; where nothing but heads is fitted, no step is timed.
        classes: number of classes.
    """
    trains = any(BY_NAME[strategy].cost != "head" for strategy in design.strategies)
    loaded = base.model_dump(exclude={"weights"})
    key = json.dumps([loaded, batch, classes, os.cpu_count(), trains], sort_keys=True)
    try:
        known = json.loads(_FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # absent, or cut off
        known = {}
    if known.get("of") == key:
        return Costs(**known["costs"])
    with library_logs.loading():
        costs = _measure(loaded, batch, classes, trains)
    _FILE.write_text(json.dumps({"of": key, "costs": costs.__dict__}, indent=1) + "\n", encoding="utf-8")
    return costs


def _measure(loaded: dict[str, Any], batch: int, classes: int, trains: bool) -> Costs:
    import keras
    import numpy as np
    import tensorflow as tf

    from headstart.components.shared.base import bases, batchnorm
    from headstart.components.shared.base.inference import InInference

    base = bases.load(**{**loaded, "weights": "random"})
    rng = np.random.default_rng(0)
    images = rng.normal(size=(max(batch, _FORWARD), *base.input_shape[1:])).astype(np.float32)
    run = tf.function(InInference(base), autograph=False)
    forward = _seconds(lambda: run(images[:_FORWARD]).numpy())
    step = [0.0]
    if trains:
        inputs = keras.Input(base.input_shape[1:])
        pooled = keras.layers.GlobalAveragePooling2D()(batchnorm.fused(base)(inputs))
        model = keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(pooled))
        model.compile(
            keras.optimizers.SGD(momentum=0.9), "sparse_categorical_crossentropy", jit_compile=False
        )
        labels = rng.integers(0, classes, batch)
        step = _seconds(lambda: model.train_on_batch(images[:batch], labels))
    usual = median(step[1:] or step)
    return Costs(step=usual, trace=max(0.0, step[0] - usual), forward=median(forward[1:]) / _FORWARD)


def _seconds(run: Any) -> list[float]:
    """Of a first call and of some more."""
    found = []
    for _ in range(1 + _STEPS):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return found
