"""Fine-tuning: the base trains on from a fitted head, and is kept where the validation split prefers it."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from headstart.components.shared.activations.store import Split, Store
from headstart.components.shared.base import bases
from headstart.components.shared.base.cuts import blocks
from headstart.components.shared.base.pooling import weights_of_channels
from headstart.components.shared.features import TEST, TRAIN, VALIDATION
from headstart.components.shared.linear import choice
from headstart.components.trainer import frozen, phases, search
from headstart.components.trainer.model import join, join_blocks, make_head, unfreeze
from headstart.components.trainer.progression import Progression
from headstart.components.trainer.recipe import Facts, Recipe, Scores, recipe_for


def train(
    base: keras.Model,
    normalise: Any,
    splits: dict[str, Split],
    store: Store,
    images: dict[str, Split],
    classes: int,
    config: dict[str, Any],
) -> tuple[keras.Model, Progression | None, dict[str, Any], np.ndarray]:
    """Fit a head on the frozen base, then train the base with it (linear probe, then fine-tune, 2202.10054).

    Where the validation split does not prefer the fine-tuned network to the frozen base with a head that sees
    several blocks, that is the model, and the figures say so (`fine_tuned` is 0).

    Args:
        base: the pretrained base.
        normalise: its preprocessing, on float32 of 0…255.
        splits: train (the subset), validation and test, of the store.
        store: the pooled outputs of the base's blocks.
        images: the same splits of the decoded images.
        classes: number of classes.
        config: the sections `augment`, `base`, `fine_tune`, `train` of params.yaml; `head`, what a search has
            fixed of the frozen head, as `frozen.choose` takes it.

    Returns:
        As `phases.train`; the progression is None where the frozen head is the model.
    """
    training, validation = splits[TRAIN], splits[VALIDATION]
    embedded = len(training) + len(validation)
    before = store.seconds_per_view * embedded, store.cpu_seconds_per_view * embedded
    progression = _begin(base, classes, config, before)
    fixed = config.get("head", {})
    with progression.tuning.running():
        several = frozen.choose(training, classes, fixed=fixed)
        without = frozen.fit(training, classes, several, fixed.get("balanced", False))
    pretrained = base.get_weights()
    ready, recipe = _prepared(base, normalise, splits, images, classes, config, progression, several)
    figures = search.train(
        ready.model, progression, "fine_tune", ready.plan, ready.data, classes, len(validation)
    )
    judged, reached = frozen.judge(without, splits), progression.best
    shown: Progression | None = progression
    reasons = list(recipe.reasons)
    if reached is not None and reached.val_accuracy > judged["val_accuracy"]:
        probabilities = phases.conclude(ready.model, progression, ready.data, figures)
        found = progression.whole
    else:
        told = "no loss" if reached is None else f"{reached.val_accuracy:.1%}"
        reasons.append(
            f"fine-tuning brings nothing on validation ({told}, the frozen head "
            f"{judged['val_accuracy']:.1%}): the frozen head is the model"
        )
        base.set_weights(pretrained)
        found = join_blocks(base, without.candidate.parts, without.weights, without.bias)
        probabilities = frozen.probabilities(without, splits[TEST])
        figures |= {**judged, **progression.spent(), "epochs": 0}
        figures["seconds_to_best"] = figures["train_seconds"]
        shown = None  # its history is that of a network that nobody keeps
    figures |= {
        **frozen.about(several, without),
        "fine_tuned": int(shown is not None),
        "unfrozen_blocks": recipe.depth if shown else 0,
        "batchnorm_adapts": int(recipe.adapts),
        "recipe": "; ".join(reasons),
        "passes": ready.passes,
        "from_pixels": 1,
        "embed_seconds": before[0],
    }
    return found, shown, figures, probabilities


def prepare(
    base: keras.Model,
    normalise: Any,
    splits: dict[str, Split],
    images: dict[str, Split],
    classes: int,
    config: dict[str, Any],
    before: tuple[float, float],
) -> search.Ready:
    """The base with a fitted head, unfrozen as the recipe says, and how it is to be trained.

    Args:
        base: the pretrained base.
        normalise: its preprocessing, on float32 of 0…255.
        splits: train and validation, of the store.
        images: train, validation and test, of the decoded images.
        classes: number of classes.
        config: as `train` takes it.
        before: wall and CPU seconds that the images' embedding took.
    """
    progression = _begin(base, classes, config, before)
    several = None
    if config["fine_tune"]["batchnorm"] == "auto":  # the rule asks how far the images are from the base's own
        with progression.tuning.running():
            several = frozen.choose(splits[TRAIN], classes)
    return _prepared(base, normalise, splits, images, classes, config, progression, several)[0]


def _begin(
    base: keras.Model, classes: int, config: dict[str, Any], before: tuple[float, float]
) -> Progression:
    """Put a new head on the base, and start the clock."""
    seed, dropout = config["train"]["seed"], config["fine_tune"]["dropout"]
    head = make_head(base.output_shape[-1], classes, 0, dropout, seed=seed)
    return Progression(join(base, head), before, by="val_accuracy")


def _prepared(
    base: keras.Model,
    normalise: Any,
    splits: dict[str, Split],
    images: dict[str, Split],
    classes: int,
    config: dict[str, Any],
    progression: Progression,
    several: choice.Choice | None,
) -> tuple[search.Ready, Recipe]:
    """Fit the head on the last block, and unfreeze the base as the recipe says."""
    shared, settings, training = config["train"], config["fine_tune"], splits[TRAIN]
    with progression.tuning.running():
        last = frozen.choose(training, classes, last=True)
    start = frozen.fit(training, classes, last)
    head = progression.whole.get_layer("head")
    weights = weights_of_channels(start.weights, base.output_shape[-1])
    head.get_layer("probabilities").set_weights([weights, start.bias])
    recipe = recipe_for(_facts(base, several, training, config["base"]), settings)
    with progression.setup.running():
        model = _unfrozen(base, head, recipe, settings["batchnorm_momentum"])
        steps = max(1, len(training) // shared["batch_size"])  # whole batches
        passes = math.ceil(settings["epoch_steps"] / steps)
        data = phases.from_pixels(images, normalise, shared, config["augment"], passes)
    plan = search.Plan(
        rates=recipe.rates,
        search_steps=settings["search_steps"],
        steps=recipe.steps,
        epoch_steps=steps * passes,
        weight_decay=settings["weight_decay"],
        clip_norm=settings["clip_norm"],
        patience=settings["patience"],
        patience_steps=settings["patience_steps"],
    )
    return search.Ready(model, progression, plan, data, passes), recipe


def _facts(
    base: keras.Model, several: choice.Choice | None, training: Split, section: dict[str, Any]
) -> Facts:
    """What the rule for the recipe looks at."""
    scores = None
    if several and several.best and several.last and several.early:
        scores = Scores(several.best.accuracy, several.last.accuracy, several.early.accuracy, several.scored)
    return Facts(
        images=len(training),
        image_size=section["image_size"],
        base_size=bases.native_size(section["architecture"]),
        blocks=len(blocks(base)),
        scores=scores,
    )


def _unfrozen(base: keras.Model, head: keras.Model, recipe: Recipe, momentum: float) -> keras.Model:
    """The classifier, the top of its base unfrozen; BatchNorm adapts there, or nowhere.

    A BatchNorm below the cut is not trainable, and so stays in inference mode whatever `fit` says.
    """
    unfreeze(base, recipe.depth)
    if not recipe.adapts:
        return join(base, head)
    search.adapt_batchnorm(base.layers, momentum)
    inputs = keras.Input(base.input_shape[1:])
    return keras.Model(inputs, head(keras.layers.GlobalAveragePooling2D()(base(inputs))), name="fine_tune")
