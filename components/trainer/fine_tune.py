"""Fine-tuning: the base trains on from a fitted head, and is kept where the validation split prefers it."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from components.activations.store import Split, Store
from components.base import bases
from components.base.cuts import blocks
from components.features import TEST, TRAIN, VALIDATION
from components.linear import choice
from components.trainer import frozen, phases, search
from components.trainer.model import join, join_blocks, make_head, unfreeze
from components.trainer.progression import Progression
from components.trainer.recipe import Facts, Recipe, recipe_for


def train(
    base: keras.Model,
    normalise: Any,
    splits: dict[str, Split],
    store: Store,
    pixels: phases.Opener,
    classes: int,
    config: dict[str, Any],
) -> tuple[keras.Model, Progression, dict[str, Any], np.ndarray]:
    """Fit a head on the frozen base, then train the base with it (linear probe, then fine-tune, 2202.10054).

    Where the validation split does not prefer the fine-tuned network to the frozen base with a head that sees
    several blocks, that is the model, and the figures say so (`fine_tuned` is 0).

    Args:
        base: the pretrained base.
        normalise: its preprocessing, on float32 of 0…255.
        splits: train (the subset), validation and test, of the store.
        store: the pooled outputs of the base's blocks.
        pixels: opens the images of a split, by its name.
        classes: number of classes.
        config: the sections `augment`, `base`, `fine_tune`, `train` of params.yaml.

    Returns:
        As `phases.train`.
    """
    shared, settings = config["train"], config["fine_tune"]
    training, validation = splits[TRAIN], splits[VALIDATION]
    seed, embedded = shared["seed"], len(training) + len(validation)
    head = make_head(base.output_shape[-1], classes, 0, settings["dropout"], seed=seed)
    before = store.seconds_per_view * embedded, store.cpu_seconds_per_view * embedded
    progression = Progression(join(base, head), before, by="val_accuracy")

    with progression.tuning():
        several, last = (frozen.choose(training, classes, seed, last=one) for one in (False, True))
        without = frozen.fit(training, classes, several)  # what fine-tuning has to beat
    start = frozen.fit(training, classes, last)
    head.get_layer("probabilities").set_weights([start.weights, start.bias])
    recipe = recipe_for(_facts(base, several, training, classes, config["base"]), settings)
    pretrained = base.get_weights()
    with progression.setup():
        model = _unfrozen(base, head, recipe, settings["batchnorm_momentum"])
        steps = max(1, len(training) // shared["batch_size"])  # whole batches
        passes = math.ceil(settings["epoch_steps"] / steps)
        data = phases.images(splits, pixels, normalise, shared, config["augment"], passes)
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
    figures = search.train(model, progression, "fine_tune", plan, data, classes, len(validation))
    probabilities = phases.conclude(model, progression, data, figures)
    found, judged = progression.whole, frozen.judge(without, splits)
    figures["fine_tuned"] = int(figures["val_accuracy"] > judged["val_accuracy"])
    figures["val_accuracy_fine_tuned"] = figures["val_accuracy"]
    if not figures["fine_tuned"]:
        base.set_weights(pretrained)
        found = join_blocks(base, without.candidate.parts, without.weights, without.bias)
        probabilities = frozen.probabilities(without, splits[TEST])
        figures |= judged
    figures |= {
        **frozen.about(several, without),
        "unfrozen_blocks": recipe.depth,
        "batchnorm_adapts": int(recipe.adapts),
        "recipe": "; ".join(recipe.reasons),
        "passes": passes,
        "from_pixels": 1,
        "embed_seconds": before[0],
    }
    return found, progression, figures, probabilities


def _facts(
    base: keras.Model, several: choice.Choice, training: Split, classes: int, section: dict[str, Any]
) -> Facts:
    """What the rule for the recipe looks at."""
    scores = [one.accuracy for one in several.scores if one.candidate == several.candidate]
    return Facts(
        images=len(training),
        classes=classes,
        image_size=section["image_size"],
        base_size=bases.native_size(section["architecture"]),
        blocks=len(blocks(base)),
        last_score=several.last.accuracy if several.last else 0.0,
        best_score=max(scores, default=0.0),
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
