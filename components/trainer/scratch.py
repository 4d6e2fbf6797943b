"""From scratch: the same architecture and images from random weights, trained as well as it can be."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from components.activations.store import Split
from components.features import TRAIN, VALIDATION
from components.trainer import phases
from components.trainer.model import join, make_head
from components.trainer.progression import Data, Progression, fit

_CHANGES = ("shift", "zoom", "contrast")
_WARM_UP = 0.1  # of all steps
_MOMENTUM = 0.9
_RETRIES = 2  # where the network is at chance


def train(
    base: keras.Model,
    normalise: Any,
    splits: dict[str, Split],
    pixels: phases.Opener,
    classes: int,
    config: dict[str, Any],
) -> tuple[keras.Model, Progression, dict[str, Any], np.ndarray]:
    """Search a learning rate, then train all of the classifier with it.

    Every rate trains from the same random weights, the whole schedule pressed into a few steps. Such a
    search favours low rates, so of those within two standard errors of the highest validation accuracy the
    highest is taken; where no rate got beyond guessing in so few steps, the lowest. Where the network stays
    at chance all the same, a quarter of the rate is tried. Stochastic gradient descent with momentum and a
    strong weight decay is what suits few images best (Brigato et al., arXiv:2108.13122). Weights are kept by
    validation accuracy: the loss of a network that learns a few images by heart rises while its accuracy
    still grows, and would stop it in its first epochs.

    Args:
        base: with random weights.
        normalise: its preprocessing, on float32 of 0…255.
        splits: train (the subset), validation and test.
        pixels: opens the images of a split, by its name.
        classes: number of classes.
        config: the sections `augment`, `scratch`, `train` of params.yaml.

    Returns:
        As `phases.train`.
    """
    shared, settings = config["train"], config["scratch"]
    units, dropout = settings["units"], settings["dropout"]
    head = make_head(base.output_shape[-1], classes, units, dropout, seed=shared["seed"])
    progression = Progression(join(base, head), by="val_accuracy")
    steps = max(1, len(splits[TRAIN]) // shared["batch_size"])  # whole batches
    passes = math.ceil(settings["epoch_steps"] / steps)
    with progression.setup():
        for layer in base.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = settings["batchnorm_momentum"]
        inputs = keras.Input(base.input_shape[1:])
        model = keras.Model(inputs, head(keras.layers.GlobalAveragePooling2D()(base(inputs))))
        changes = {"flip": config["augment"]["flip"], **{name: settings[name] for name in _CHANGES}}
        data = phases.images(splits, pixels, normalise, shared, changes, passes)
    with progression.tuning():
        optimizer = keras.optimizers.SGD(
            momentum=_MOMENTUM, nesterov=True, weight_decay=settings["weight_decay"]
        )
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
        optimizer.build(model.trainable_variables)
        start = model.get_weights(), [variable.numpy() for variable in optimizer.variables]
        found = {rate: _try(model, start, rate, settings, data) for rate in settings["learning_rates"]}

    total = max(settings["epochs"] * steps, settings["steps"])
    whole = {**settings, "epochs": math.ceil(total / (steps * passes))}
    judged_on = classes, len(splits[VALIDATION])
    rate, collapsed = _chosen(found, *judged_on), 0
    while True:
        _reset(model, start)
        fit(model, progression, "scratch", whole, settings["patience_steps"], data, (_Cycle(rate, total),))
        best = progression.best
        if collapsed == _RETRIES or (best is not None and _beyond_guessing(best.val_accuracy, *judged_on)):
            break
        progression.give_up()
        rate, collapsed = rate / 4, collapsed + 1
    figures = {
        "learning_rate_found": rate,
        "rates_tried": len(found) + collapsed,
        "rates_collapsed": collapsed,
        "passes": passes,
        "from_pixels": 1,
        "embed_seconds": 0.0,
    }
    probabilities = phases.conclude(progression.whole, progression, data, figures)
    return progression.whole, progression, figures, probabilities


def _chosen(found: dict[float, float], classes: int, images: int) -> float:
    """The highest rate within two standard errors of the best accuracy; the lowest where none has learnt."""
    learnt = {rate: value for rate, value in found.items() if _beyond_guessing(value, classes, images)}
    if not learnt:
        return min(found)
    best = max(learnt.values())
    error = math.sqrt(best * (1 - best) / images)
    return max(rate for rate, accuracy in learnt.items() if accuracy >= best - 2 * error)


def _beyond_guessing(accuracy: float, classes: int, images: int) -> bool:
    """Whether a validation accuracy is above guessing by more than two standard deviations."""
    guessing = 1 / classes
    return accuracy > guessing + 2 * math.sqrt(guessing * (1 - guessing) / images)


class _Cycle(keras.callbacks.Callback):
    """The learning rate rises for a tenth of the steps, then falls to zero along a cosine.

    Loshchilov and Hutter, arXiv:1608.03983, with a warm-up.
    """

    def __init__(self, rate: float, steps: int):
        super().__init__()
        self.rate, self.steps, self.done = rate, steps, 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        warm = max(1.0, _WARM_UP * self.steps)
        falling = min(1.0, max(0.0, (self.done - warm) / max(1.0, self.steps - warm)))
        factor = min(1.0, (self.done + 1) / warm) * (1 + math.cos(math.pi * falling)) / 2
        self.model.optimizer.learning_rate = self.rate * factor
        self.done += 1


Start = tuple[list[np.ndarray], list[np.ndarray]]  # weights, and the optimizer's variables


def _try(model: keras.Model, start: Start, rate: float, settings: dict[str, Any], data: Data) -> float:
    """Validation accuracy after a short training at a rate; not a number where the loss is none."""
    _reset(model, start)
    steps = settings["search_steps"]
    history = model.fit(
        data.shuffled.repeat().take(steps),
        validation_data=data.validation,
        callbacks=[_Cycle(rate, steps)],
        verbose=0,
    ).history
    loss, accuracy = history["val_loss"][0], history["val_accuracy"][0]
    return accuracy if math.isfinite(loss) else math.nan


def _reset(model: keras.Model, start: Start) -> None:
    """Take a model and its optimizer back to where they began."""
    model.set_weights(start[0])
    for variable, value in zip(model.optimizer.variables, start[1]):
        variable.assign(value)
