"""The two phases: the head to convergence on the frozen base, then the top of the base with it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from components.activations.store import Split, Store
from components.base.cuts import depth_of, suffix
from components.features import TRAIN, VALIDATION
from components.trainer import feed
from components.trainer.model import compile_, compile_unfrozen, join, make_head
from components.trainer.pixels import Pixels
from components.trainer.speed import choose_precision

_EVALUATED = 64  # images of a batch where nothing is trained


@dataclass
class Epoch:
    """One row of the history; times in seconds, `ended` since 1970."""

    epoch: int
    phase: str
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    learning_rate: float
    epoch_seconds: float
    ended: float


@dataclass
class Progression:
    """What both phases share: the history so far, and the best weights by validation loss."""

    history: list[Epoch] = field(default_factory=list)
    best: Epoch | None = None
    best_weights: list[np.ndarray] = field(default_factory=list)
    before: float = 0.0  # seconds that were spent on these images before, by the Embedder
    started: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0  # to the end of the last phase
    seconds_to_best: float = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds so far."""
        return self.before + time.perf_counter() - self.started

    def figures(self) -> dict[str, Any]:
        """What the history comes to."""
        assert self.best is not None
        phases = [row.phase for row in self.history]
        return {
            "val_accuracy": self.best.val_accuracy,
            "val_loss": self.best.val_loss,
            "best_epoch": self.best.epoch,
            "best_phase": self.best.phase,
            "epochs_frozen": phases.count("frozen"),
            "epochs_fine_tune": phases.count("fine_tune"),
            "train_seconds": self.seconds,
            "seconds_to_best": self.seconds_to_best,
        }


class _Watch(keras.callbacks.Callback):
    """Writes the history, keeps the best weights, stops when validation no longer improves."""

    def __init__(self, progression: Progression, whole: keras.Model, phase: str, patience: int, bar: Any):
        super().__init__()
        self.progression, self.whole, self.phase = progression, whole, phase
        self.patience, self.bar = patience, bar
        self.since_best = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        assert logs is not None
        progression = self.progression
        row = Epoch(
            epoch=len(progression.history),
            phase=self.phase,
            train_loss=logs["loss"],
            train_accuracy=logs["accuracy"],
            val_loss=logs["val_loss"],
            val_accuracy=logs["val_accuracy"],
            learning_rate=float(self.model.optimizer.learning_rate),
            epoch_seconds=time.perf_counter() - self.began,
            ended=time.time(),
        )
        progression.history.append(row)
        self.since_best += 1
        if progression.best is None or row.val_loss < progression.best.val_loss:
            progression.best = row
            progression.best_weights = self.whole.get_weights()
            progression.seconds_to_best = progression.elapsed
            self.since_best = 0
        self.bar(epoch + 1, row)
        if self.since_best >= self.patience:
            self.model.stop_training = True


def train(
    base: keras.Model,
    normalise: Any,
    store: Store,
    pixels: Callable[[Split, str], Pixels],
    classes: int,
    config: dict[str, Any],
) -> tuple[keras.Model, dict[str, Any], list[dict[str, Any]]]:
    """Train a head on the frozen base, then, by strategy, fine-tune the top of the base.

    The frozen part of the base is not run: the head trains on the stored embeddings, and fine-tuning on the
    stored activations, where the store has them. Whatever the phase, the weights with the lowest validation
    loss are the ones returned: a fine-tune that helps nothing changes nothing.

    Args:
        base: the pretrained base.
        normalise: its preprocessing, on float32 of 0…255.
        store: what the frozen part answered.
        pixels: opens the images of a split, by its name; called where the store does not do.
        classes: number of classes.
        config: the sections `head`, `augment`, `frozen`, `fine_tune`, `train` of params.yaml; `images`, how
            many training images the subset holds; `pixels`, whether to fine-tune from the images.

    Returns:
        The trained classifier (normalised pixels to probabilities), its figures, its history. Its seconds
        include the share of the embedding that these images are, whoever had it computed.
    """
    shared = config["train"]
    splits = {TRAIN: store.split(TRAIN, config["images"]), VALIDATION: store.split(VALIDATION)}
    training, validation = splits.values()
    head = make_head(base.output_shape[-1], classes, **config["head"], seed=shared["seed"])
    whole = join(base, head)
    embed_seconds = store.seconds_per_view * (len(training) * training.views + len(validation))
    progression = Progression(before=embed_seconds)

    trained = head
    compile_(head, config["frozen"]["learning_rate"])
    data = _stored(splits, "embeddings", shared)
    _fit(head, whole, progression, "frozen", config["frozen"], shared, data)

    unfrozen, measured, bfloat16 = 0, {}, False
    depth = depth_of(base, config["fine_tune"]["unfreeze_depth"])
    if shared["strategy"] == "fine_tune" and depth:
        whole.set_weights(progression.best_weights)
        if config["pixels"]:
            trained, data = whole, _images(splits, pixels, normalise, shared, config["augment"])
        else:
            trained = join(suffix(base, store.about["depth"]), head)
            data = _stored(splits, "activations", shared)
        unfrozen = compile_unfrozen(trained, base, depth, config["fine_tune"]["learning_rate"])
        steps = int(data.shuffled.cardinality()) * config["fine_tune"]["epochs"]
        wrapped = trained.get_layer("base")
        measured = choose_precision(wrapped, shared["precision"], next(iter(data.shuffled))[0], steps)
        bfloat16 = wrapped.precision == "bfloat16"
        _fit(trained, whole, progression, "fine_tune", config["fine_tune"], shared, data)
    whole.set_weights(progression.best_weights)
    compile_(trained, 1e-5)
    loss, accuracy = trained.evaluate(data.training, verbose=0)
    figures = progression.figures() | {
        "train_accuracy": accuracy,
        "train_loss": loss,
        "unfrozen_blocks": unfrozen,
        "labelled_images": len(training),
        "images_seen": len(training) * len(progression.history),
        "views": training.views,
        "from_pixels": int(trained is whole),
        "store_bytes": store.about["bytes"],
        "embed_seconds": embed_seconds,
        "bfloat16": int(bfloat16),
        **{f"step_seconds_{name}": seconds for name, seconds in measured.items()},
    }
    figures["overfit_gap"] = accuracy - figures["val_accuracy"]
    return whole, figures, [asdict(row) for row in progression.history]


@dataclass(frozen=True)
class _Data:
    """What a phase trains on, and what it is judged on."""

    shuffled: tf.data.Dataset  # the training images, varied
    training: tf.data.Dataset  # as they are, in order
    validation: tf.data.Dataset


def _stored(splits: dict[str, Split], column: str, shared: dict[str, Any]) -> _Data:
    training, validation = splits.values()
    shuffled = feed.stored(training, column, shared["batch_size"], shared["seed"])
    return _Data(shuffled, *(feed.stored(split, column, _EVALUATED) for split in (training, validation)))


def _images(
    splits: dict[str, Split],
    pixels: Callable[[Split, str], Pixels],
    normalise: Any,
    shared: dict[str, Any],
    augment: dict[str, Any],
) -> _Data:
    opened = {name: (pixels(split, name), split.labels, normalise) for name, split in splits.items()}
    changes = {name: value for name, value in augment.items() if name != "views"}
    size, seed = shared["batch_size"], shared["seed"]
    shuffled = feed.images(*opened[TRAIN], size, seed, changes if augment["views"] else None)
    return _Data(shuffled, *(feed.images(*one, _EVALUATED) for one in opened.values()))


def _fit(
    model: keras.Model,
    whole: keras.Model,
    progression: Progression,
    phase: str,
    settings: dict[str, Any],
    shared: dict[str, Any],
    data: _Data,
) -> None:
    steps = int(data.shuffled.cardinality())
    patience = max(settings["patience"], math.ceil(shared["patience_steps"] / steps))
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[told]}"),
    )
    console = Console()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(phase, total=settings["epochs"], told="")

        def bar(epoch: int, row: Epoch) -> None:
            told = f"epoch {epoch}, validation loss {row.val_loss:.3f}, accuracy {row.val_accuracy:.3f}"
            progress.update(task, completed=epoch, told=told)

        watch = _Watch(progression, whole, phase, patience, bar)
        model.fit(
            data.shuffled,
            validation_data=data.validation,
            epochs=settings["epochs"],
            callbacks=[watch],
            verbose=0,
        )
    progression.seconds = progression.elapsed
