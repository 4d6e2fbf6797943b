"""Training of a network or of its top: a learning rate is searched, then it rises and falls in one cycle.

The baseline trained from scratch and fine-tuning both go through here: the same optimizer, schedule and
search, and the same rule for the weights that are kept.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from headstart.components.trainer.progression import Data, Progression, fit

_WARM_UP = 0.1  # of all steps
_MOMENTUM = 0.9

Start = tuple[list[np.ndarray], list[np.ndarray]]  # weights, and the optimizer's variables


@dataclass(frozen=True)
class Plan:
    """How long and with what a network trains."""

    rates: tuple[float, ...]  # learning rates to choose from; a single one is not searched
    search_steps: int  # of each rate
    steps: int  # of the whole training
    epoch_steps: int  # steps of one pass of `Data.shuffled`
    weight_decay: float  # decoupled: of the weights, at each step, times the rate
    clip_norm: float | None  # most that the gradient of all weights together may be, by its norm
    patience: int  # epochs
    patience_steps: int
    retries: int = 2  # at a quarter of the rate, where the network is at chance
    deadline: float = math.inf  # training ends then at the latest, on the clock of `time.perf_counter`


@dataclass(frozen=True)
class Ready:
    """A network that is ready to train."""

    model: keras.Model  # what trains; its weights are those of `progression.whole`
    progression: Progression
    plan: Plan
    data: Data
    passes: int  # over the images, in an epoch


def train(
    model: keras.Model,
    progression: Progression,
    phase: str,
    plan: Plan,
    data: Data,
    classes: int,
    images: int,
) -> dict[str, Any]:
    """Search a learning rate, then train with it.

    Every rate trains from the same weights, the whole schedule pressed into a few steps. Such a search
    favours low rates, so of those within two standard errors of the highest validation accuracy the highest
    is taken; where no rate got beyond guessing in so few steps, the lowest. Where the network stays at
    chance all the same, a quarter of the rate is tried. Weights are kept by validation accuracy: the loss of
    a network that overfits a few images rises while its accuracy still grows, and would stop it in
    its first epochs.

    Args:
        model: what trains; its weights are those of `progression.whole`.
        progression: takes the history and the best weights; keeps by "val_accuracy".
        phase: its name in the history.
        plan: rates, steps and patience.
        data: what to train and to validate on.
        classes: number of classes.
        images: of the validation split.

    Returns:
        `learning_rate_found`, `rates_tried`, `rates_collapsed`.
    """
    with progression.tuning.running():
        optimizer = keras.optimizers.SGD(
            momentum=_MOMENTUM,
            nesterov=True,
            weight_decay=plan.weight_decay,
            global_clipnorm=plan.clip_norm,
        )
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
        optimizer.build(model.trainable_variables)
        start = model.get_weights(), [variable.numpy() for variable in optimizer.variables]
        rate, tried = plan.rates[0], 1
        if len(plan.rates) > 1:
            found = {rate: _try(model, start, rate, plan, data) for rate in plan.rates}
            rate, tried = chosen(found, classes, images), len(found)
    settings = {"epochs": math.ceil(plan.steps / plan.epoch_steps), "patience": plan.patience}
    collapsed = 0
    while True:
        _reset(model, start)
        cycle = Cycle(rate, plan.steps)
        stop = _Stop(plan.deadline)
        fit(model, progression, phase, settings, plan.patience_steps, data, (cycle, stop))
        best = progression.best
        learnt = best is not None and _beyond_guessing(best.val_accuracy, classes, images)
        if learnt or collapsed == plan.retries or time.perf_counter() > plan.deadline:
            break
        progression.give_up()
        rate, collapsed = rate / 4, collapsed + 1
    return {
        "learning_rate_found": rate,
        "rates_tried": tried + collapsed,
        "rates_collapsed": collapsed,
    }


def chosen(found: dict[float, float], classes: int, images: int) -> float:
    """The highest rate within two standard errors of the best accuracy; the lowest where none has learnt."""
    learnt = {rate: value for rate, value in found.items() if _beyond_guessing(value, classes, images)}
    if not learnt:
        return min(found)
    best = max(learnt.values())
    error = math.sqrt(best * (1 - best) / images)
    return max(rate for rate, accuracy in learnt.items() if accuracy >= best - 2 * error)


def adapt_batchnorm(layers: Sequence[keras.Operation], momentum: float) -> None:
    """Give BatchNorm layers the momentum that a short training needs.

    With Keras' 0.99 and 0.999 the moving statistics stay near their start.
    """
    for layer in layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum


def _beyond_guessing(accuracy: float, classes: int, images: int) -> bool:
    """Whether a validation accuracy is above guessing by more than two standard deviations."""
    guessing = 1 / classes
    return accuracy > guessing + 2 * math.sqrt(guessing * (1 - guessing) / images)


class Cycle(keras.callbacks.Callback):
    """The learning rate rises for a tenth of the steps, then falls to zero along a cosine.

    Loshchilov and Hutter, arXiv:1608.03983, with a warm-up.
    """

    def __init__(self, rate: float, steps: int):
        super().__init__()
        self.rate, self.steps, self.done = rate, steps, 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Set the rate of this step."""
        warm = max(1.0, _WARM_UP * self.steps)
        falling = min(1.0, max(0.0, (self.done - warm) / max(1.0, self.steps - warm)))
        factor = min(1.0, (self.done + 1) / warm) * (1 + math.cos(math.pi * falling)) / 2
        self.model.optimizer.learning_rate = self.rate * factor
        self.done += 1


class _Stop(keras.callbacks.Callback):
    """Ends a training at its deadline."""

    def __init__(self, deadline: float):
        super().__init__()
        self.deadline = deadline

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look at the clock."""
        if time.perf_counter() > self.deadline:
            self.model.stop_training = True


def _try(model: keras.Model, start: Start, rate: float, plan: Plan, data: Data) -> float:
    """Validation accuracy after a short training at a rate; not a number where the loss is none."""
    _reset(model, start)
    history = model.fit(
        data.shuffled.repeat().take(plan.search_steps),
        validation_data=data.validation,
        callbacks=[Cycle(rate, plan.search_steps), _Stop(plan.deadline)],
        verbose=0,
    ).history
    loss, accuracy = history["val_loss"][0], history["val_accuracy"][0]
    return accuracy if math.isfinite(loss) else math.nan


def _reset(model: keras.Model, start: Start) -> None:
    """Take a model and its optimizer back to where they began."""
    model.set_weights(start[0])
    for variable, value in zip(model.optimizer.variables, start[1]):
        variable.assign(value)
