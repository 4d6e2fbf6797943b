"""The textbook's transfer: a new head on the frozen base to convergence, then the top of the base with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from headstart.components.shared.activations.store import Split, Store
from headstart.components.shared.base.cuts import depth_of, suffix
from headstart.components.shared.features import TEST, TRAIN, VALIDATION
from headstart.components.trainer import feed
from headstart.components.trainer.model import compile_, compile_unfrozen, join, make_head
from headstart.components.trainer.progression import Data, Progression, fit
from headstart.components.trainer.speed import choose_precision

EVALUATED = 64  # images of a batch where nothing is trained


def train(
    base: keras.Model,
    normalise: Any,
    splits: dict[str, Split],
    store: Store,
    images: dict[str, Split],
    classes: int,
    config: dict[str, Any],
) -> tuple[keras.Model, Progression, dict[str, Any], np.ndarray]:
    """Train a head on the frozen base, then unfreeze the top of the base as the strategy says.

    The frozen part of the base is not run: the head trains on the stored embeddings, and what follows on the
    stored activations, where the store has them. Whatever the phase, the weights with the lowest validation
    loss are the ones returned: a fine-tune that helps nothing changes nothing.

    Args:
        base: the pretrained base.
        normalise: its preprocessing, on float32 of 0…255.
        splits: train (the subset), validation and test, of the store.
        store: what the frozen part answered.
        images: the same splits of the decoded images; read where the store does not do.
        classes: number of classes.
        config: `strategy`, one of frozen, textbook, gradual; the sections `head`, `augment`, `frozen`,
            `textbook`, `gradual`, `train` of params.yaml; `pixels`, whether to unfreeze from the images.

    Returns:
        The classifier (normalised pixels to probabilities), the progression, whose seconds include the share
        of the embedding that these images are, further figures, and the probabilities of the test images,
        float32 [images, classes].
    """
    shared = config["train"]
    training = splits[TRAIN]
    units, dropout = config["head"]["units"], config["head"]["dropout"]
    head = make_head(base.output_shape[-1], classes, units, dropout, seed=shared["seed"])
    whole = join(base, head)
    embedded = len(training) * training.views + len(splits[VALIDATION])
    before = store.seconds_per_view * embedded, store.cpu_seconds_per_view * embedded
    progression = Progression(whole, before)

    trained = head
    compile_(head, config["frozen"]["learning_rate"])
    data = _stored(splits, "embeddings", shared)
    fit(head, progression, "frozen", config["frozen"], shared["patience_steps"], data)

    unfrozen = 0
    measured: dict[str, float] = {}
    stages = list(_stages(base, config))
    if stages:
        if config["pixels"]:
            changes = {name: value for name, value in config["augment"].items() if name != "views"}
            trained = whole
            with progression.setup.running():
                views = config["augment"]["views"]
                data = from_pixels(images, normalise, shared, changes if views else None)
        else:
            trained = join(suffix(base, store.about["depth"]), head)
            data = _stored(splits, "activations", shared)
        steps = int(data.shuffled.cardinality()) * sum(settings["epochs"] for *_, settings in stages)
        for phase, depth, settings in stages:
            if progression.best_weights:
                whole.set_weights(progression.best_weights)
            unfrozen = compile_unfrozen(trained, base, depth, settings["learning_rate"])
            if not measured:
                with progression.tuning.running():
                    wrapped, values = trained.get_layer("base"), next(iter(data.shuffled))[0]
                    measured = choose_precision(wrapped, shared["precision"], values, steps)
            fit(trained, progression, phase, settings, shared["patience_steps"], data)
    figures = {
        "unfrozen_blocks": unfrozen,
        "views": training.views,
        "from_pixels": int(trained is whole),
        "store_bytes": store.about["bytes"],
        "embed_seconds": store.seconds_per_view * embedded,
        "bfloat16": int(bool(stages) and trained.get_layer("base").precision == "bfloat16"),
        **{f"step_seconds_{name}": seconds for name, seconds in measured.items()},
    }
    return whole, progression, figures, conclude(trained, progression, data, figures)


def conclude(
    trained: keras.Model, progression: Progression, data: Data, figures: dict[str, Any]
) -> np.ndarray:
    """Put the best weights back and judge them.

    Args:
        trained: the classifier, or the part of it that `data` is for.
        progression: of the training, which has ended.
        data: the training images as they are, and the test images.
        figures: gets what the history and the training images come to.

    Returns:
        Probabilities of the test images, float32 [images, classes].
    """
    figures |= progression.figures()
    progression.whole.set_weights(progression.best_weights)
    compile_(trained, 1e-5)
    loss, accuracy = trained.evaluate(data.training, verbose=0)
    figures |= {"train_loss": loss, "train_accuracy": accuracy}
    return trained.predict(data.test.map(lambda values, _: values), verbose=0)


def _stages(base: keras.Model, config: dict[str, Any]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """What follows the frozen phase: its name, blocks unfrozen, settings."""
    if config["strategy"] == "textbook":
        depth = depth_of(base, config["textbook"]["unfreeze_depth"])
        if depth:
            yield "fine_tune", depth, config["textbook"]
    elif config["strategy"] == "gradual":
        settings = dict(config["gradual"])
        for depth in sorted({depth_of(base, depth) for depth in settings["unfreeze_depths"]}):
            yield f"gradual-{depth}", depth, dict(settings)
            settings["learning_rate"] *= settings["decay"]


def _stored(splits: dict[str, Split], column: str, shared: dict[str, Any]) -> Data:
    shuffled = feed.stored(splits[TRAIN], column, shared["batch_size"], shared["seed"])
    return Data(
        shuffled, *(feed.stored(splits[name], column, EVALUATED) for name in (TRAIN, VALIDATION, TEST))
    )


def from_pixels(
    images: dict[str, Split],
    normalise: Any,
    shared: dict[str, Any],
    changes: dict[str, Any] | None,
    passes: int = 1,
) -> Data:
    """The splits of the decoded images; `changes` are arguments of `vary`, `passes` as in `feed.rows`."""
    shuffled = feed.images(images[TRAIN], normalise, shared["batch_size"], shared["seed"], changes, passes)
    in_order = (feed.images(images[name], normalise, EVALUATED) for name in (TRAIN, VALIDATION, TEST))
    return Data(shuffled, *in_order)
