"""The baseline: the same architecture and images from random weights, trained as well as it can be."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from headstart.components.shared.activations.store import Split
from headstart.components.shared.base.pooling import Pool, outputs
from headstart.components.shared.features import TRAIN, VALIDATION
from headstart.components.trainer import phases, search
from headstart.components.trainer.model import join, make_head
from headstart.components.trainer.progression import Progression

_GRID = 3  # of the head that sees the upper half of the blocks


def train(
    base: keras.Model,
    normalise: Any,
    images: dict[str, Split],
    classes: int,
    config: dict[str, Any],
) -> tuple[keras.Model, Progression, dict[str, Any], np.ndarray]:
    """Search a learning rate, then train all of the classifier with it.

    Stochastic gradient descent with momentum and a strong weight decay work best with few images (Brigato
    et al., arXiv:2108.13122).

    Args:
        base: with random weights.
        normalise: its preprocessing, on float32 of 0…255.
        images: train (the subset), validation and test, of the decoded images.
        classes: number of classes.
        config: `strategy`, scratch or scratch_blocks, whose head sees the upper half of the blocks as the
            frozen base's may; the sections `augment`, `scratch`, `train` of params.yaml.

    Returns:
        As `phases.train`.
    """
    ready, exported = _prepared(base, normalise, images, classes, config)
    figures = search.train(
        ready.model, ready.progression, "scratch", ready.plan, ready.data, classes, len(images[VALIDATION])
    )
    figures |= {"passes": ready.passes, "from_pixels": 1, "embed_seconds": 0.0}
    probabilities = phases.conclude(ready.model, ready.progression, ready.data, figures)
    return exported, ready.progression, figures, probabilities


def prepare(
    base: keras.Model, normalise: Any, images: dict[str, Split], classes: int, config: dict[str, Any]
) -> search.Ready:
    """The classifier and how it is to be trained; arguments as those of `train`."""
    return _prepared(base, normalise, images, classes, config)[0]


def _prepared(
    base: keras.Model, normalise: Any, images: dict[str, Split], classes: int, config: dict[str, Any]
) -> tuple[search.Ready, keras.Model]:
    """What `prepare` returns, and the classifier to be exported."""
    shared, settings = config["train"], config["scratch"]
    steps = max(1, len(images[TRAIN]) // shared["batch_size"])  # whole batches
    passes = math.ceil(settings["epoch_steps"] / steps)
    trained, exported = _classifier(base, config["strategy"], classes, settings, shared["seed"])
    progression = Progression(trained, by="val_accuracy")
    with progression.setup.running():
        search.adapt_batchnorm(base.layers, settings["batchnorm_momentum"])
        data = phases.from_pixels(images, normalise, shared, config["augment"], passes)
    plan = search.Plan(
        rates=tuple(settings["learning_rates"]),
        search_steps=settings["search_steps"],
        steps=max(settings["epochs"] * steps, settings["steps"]),
        epoch_steps=steps * passes,
        weight_decay=settings["weight_decay"],
        clip_norm=None,  # it lowers the baseline's accuracy (docs/results.md)
        patience=settings["patience"],
        patience_steps=settings["patience_steps"],
    )
    return search.Ready(trained, progression, plan, data, passes), exported


def _classifier(
    base: keras.Model, strategy: str, classes: int, settings: dict[str, Any], seed: int
) -> tuple[keras.Model, keras.Model]:
    """Base and head, none of it frozen: to be trained, and to be exported. They share their weights."""
    inputs = keras.Input(base.input_shape[1:])
    units, dropout = settings["units"], settings["dropout"]
    if strategy == "scratch":
        head = make_head(base.output_shape[-1], classes, units, dropout, seed)
        values = keras.layers.GlobalAveragePooling2D()(base(inputs))
        return keras.Model(inputs, head(values)), join(base, head)
    upper = outputs(base)[len(outputs(base)) // 2 :]
    maps = keras.tree.flatten(keras.Model(base.input, upper)(inputs))
    pooled = [Pool(min(_GRID, *part.shape[1:3]))(part) for part in maps]
    # A linear fit standardises the features; here BatchNorm does.
    momentum = settings["batchnorm_momentum"]
    values = keras.layers.BatchNormalization(momentum=momentum)(keras.layers.Concatenate()(pooled))
    trained = keras.Model(inputs, make_head(values.shape[-1], classes, units, dropout, seed)(values))
    return trained, trained
