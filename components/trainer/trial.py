"""One recipe on one fold, for the Tuner: what a cell of the study would train, or a shorter trial of it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from headstart.components.shared.activations.store import Split
from headstart.components.shared.base import bases, batchnorm
from headstart.components.shared.base.cuts import suffix
from headstart.components.shared.features import TEST, TRAIN, VALIDATION
from headstart.components.trainer import feed, fine_tune, phases, scratch, search

_SAMPLE = 250  # training images, at most, whose accuracy is measured


@dataclass(frozen=True)
class Outcome:
    """What a trial found."""

    complete: bool  # False where the deadline came first
    probabilities: np.ndarray  # float32 [images held out, classes]
    train_accuracy: float  # of a sample of the training images, as they are
    seconds: float  # of the training, wall, as a cell's `train_seconds`


def trial(
    strategy: str,
    settings: dict[str, Any],
    depth: int,
    training: Split,
    validation: Split,
    held_out: Split,
    stored: dict[str, Split],
    embed_seconds: float,
    classes: int,
    share: float,
    deadline: float,
) -> Outcome:
    """Train a recipe on a fold's training images and predict those that the fold holds out.

    The study's own validation split decides which weights are kept and when training stops. The fold's images
    decide nothing: they are read when the training has ended.

    Args:
        strategy: fine_tune or scratch.
        settings: the sections that the strategy reads, as in `run_fn`, with `base` and `train`.
        depth: number of top blocks that train, if the three splits hold outputs of the blocks below them as
            `pixels`, float32; 0 if they hold decoded images.
        training: images that the fold trains on.
        validation: images of the validation split.
        held_out: images that the fold holds out.
        stored: the base's pooled outputs of the training and the validation images.
        embed_seconds: wall, of one image; the start of fine-tuning counts them.
        classes: number of classes.
        share: of the recipe's steps, up to 1; the learning rate rises and falls within them.
        deadline: when the training has to end, on the clock of `time.perf_counter`.
    """
    keras.backend.clear_session()
    seed, section = settings["train"]["seed"], settings["base"]
    base = batchnorm.fused(bases.load(**section, seed=seed if strategy == "scratch" else 0))
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    normalise = bases.preprocess(section["architecture"])
    images = {TRAIN: training, VALIDATION: validation, TEST: held_out}
    if depth:
        base, normalise, settings = suffix(base, depth), _as_it_is, {**settings, "augment": {}}
    if strategy == "scratch":
        ready = scratch.prepare(base, normalise, images, classes, {**settings, "strategy": strategy})
    else:
        before = embed_seconds * (len(training) + len(validation))
        ready = fine_tune.prepare(base, normalise, stored, images, classes, settings, (before, 0.0))
    plan = replace(pressed(ready.plan, share), deadline=deadline)
    data = replace(ready.data, shuffled=ready.data.shuffled.take(plan.epoch_steps))
    search.train(ready.model, ready.progression, strategy, plan, data, classes, len(validation))
    if time.perf_counter() > deadline:
        return Outcome(False, np.zeros((0, classes), np.float32), math.nan, ready.progression.seconds())
    if ready.progression.best is None:  # the loss was never finite: the recipe guesses
        guessed = np.full((len(held_out), classes), 1 / classes, np.float32)
        return Outcome(True, guessed, 1 / classes, ready.progression.seconds())
    ready.progression.whole.set_weights(ready.progression.best_weights)
    sample = training.rows(np.unique(np.linspace(0, len(training) - 1, _SAMPLE).astype(np.int64)))
    seen = _predicted(ready.model, feed.images(sample, normalise, phases.EVALUATED))
    return Outcome(
        complete=True,
        probabilities=_predicted(ready.model, ready.data.test),
        train_accuracy=float((seen.argmax(axis=1) == sample.labels).mean()),
        seconds=ready.progression.spent()["train_seconds"],
    )


def pressed(plan: search.Plan, share: float) -> search.Plan:
    """A plan with a share of the steps, also of those of a search for the rate; with all it stays as it is.

    The learning rate has fallen to zero after the last step, so an epoch that went on would train nothing.
    Epochs are therefore so much shorter that the last one ends there. After so few steps a network may be at
    chance with a good rate too, so no lower one is tried: the trial would take up to three times as long, and
    would judge a rate that is not the recipe's.
    """
    if share == 1:
        return plan
    steps = math.ceil(share * plan.steps)
    epochs = math.ceil(steps / plan.epoch_steps)
    return replace(
        plan,
        steps=steps,
        epoch_steps=math.ceil(steps / epochs),
        search_steps=math.ceil(share * plan.search_steps),
        retries=0,
    )


def _predicted(model: keras.Model, data: tf.data.Dataset) -> np.ndarray:
    return model.predict(data.map(lambda values, _: values), verbose=0)


def _as_it_is(values: tf.Tensor) -> tf.Tensor:
    return values
