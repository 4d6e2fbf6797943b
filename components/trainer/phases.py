"""The two phases: the head to convergence on the frozen base, then the top of the base with it."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from components.trainer.model import compile_, compile_unfrozen, join, make_head
from components.trainer.records import Records


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
    started: float = field(default_factory=time.perf_counter)
    seconds: float = 0.0  # of training, to the end of the last phase
    seconds_to_best: float = 0.0
    images_seen: int = 0


class _Watch(keras.callbacks.Callback):
    """Writes the history, keeps the best weights, stops when validation no longer improves."""

    def __init__(
        self, progression: Progression, whole: keras.Model, phase: str, images: int, patience: int, bar: Any
    ):
        super().__init__()
        self.progression, self.whole, self.phase = progression, whole, phase
        self.images, self.patience, self.bar = images, patience, bar
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
        progression.images_seen += self.images
        self.since_best += 1
        if progression.best is None or row.val_loss < progression.best.val_loss:
            progression.best = row
            progression.best_weights = self.whole.get_weights()
            progression.seconds_to_best = time.perf_counter() - progression.started
            self.since_best = 0
        self.bar(epoch + 1, row)
        if self.since_best >= self.patience:
            self.model.stop_training = True


def train(
    base: keras.Model,
    normalise: Any,
    records: dict[str, Records],
    classes: int,
    config: dict[str, Any],
) -> tuple[keras.Model, dict[str, Any], list[dict[str, Any]]]:
    """Train a head on the frozen base, then, by strategy, fine-tune the top of the base.

    The frozen base answers the same for the same image, so it runs once an image; the head then trains
    on stored embeddings (without augmentation). Whatever the phase, the weights with the lowest
    validation loss are the ones returned: a fine-tune that helps nothing changes nothing.

    Args:
        base: the pretrained base.
        normalise: its preprocessing, on float32 of 0…255.
        records: "train" and "validation".
        classes: number of classes.
        config: the sections `head`, `augment`, `frozen`, `fine_tune`, `train` of params.yaml.

    Returns:
        The trained classifier (normalised pixels to probabilities), its figures, its history.
    """
    phases, shared = config, config["train"]
    training, validation = records["train"], records["validation"]
    head = make_head(base.output_shape[-1], classes, **config["head"], seed=shared["seed"])
    whole = join(base, head)
    progression = Progression()

    embeddings = {split: _embed(base, normalise, rows) for split, rows in records.items()}
    embed_seconds = time.perf_counter() - progression.started
    compile_(head, phases["frozen"]["learning_rate"])
    _fit(
        head,
        whole,
        progression,
        "frozen",
        phases["frozen"],
        shared,
        len(training),
        x=embeddings["train"],
        y=np.array(training.labels),
        batch_size=shared["batch_size"],
        validation_data=(embeddings["validation"], np.array(validation.labels)),
    )
    unfrozen = 0
    if shared["strategy"] == "fine_tune":
        whole.set_weights(progression.best_weights)
        tuning = phases["fine_tune"]
        unfrozen = compile_unfrozen(whole, base, tuning["unfreeze_depth"], tuning["learning_rate"])
        shuffled = training.shuffled(shared["batch_size"], shared["seed"], config["augment"])
        _fit(
            whole,
            whole,
            progression,
            "fine_tune",
            tuning,
            shared,
            len(training),
            x=shuffled.map(lambda pixels, labels: (normalise(pixels), labels)),
            validation_data=validation.batches(64).map(lambda pixels, labels: (normalise(pixels), labels)),
        )
    whole.set_weights(progression.best_weights)
    return (
        whole,
        _figures(progression, whole, normalise, training, embed_seconds, unfrozen),
        [asdict(row) for row in progression.history],
    )


def _embed(base: keras.Model, normalise: Any, rows: Records) -> np.ndarray:
    """Pooled embeddings, float32 [images, features], in the records' order."""
    pooled = keras.Sequential([base, keras.layers.GlobalAveragePooling2D()])
    return pooled.predict(rows.batches(64).map(lambda pixels, _: normalise(pixels)), verbose=0)


def _fit(
    model: keras.Model,
    whole: keras.Model,
    progression: Progression,
    phase: str,
    settings: dict[str, Any],
    shared: dict[str, Any],
    images: int,
    **data: Any,
) -> None:
    steps = math.ceil(images / shared["batch_size"])
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

        watch = _Watch(progression, whole, phase, images, patience, bar)
        model.fit(**data, epochs=settings["epochs"], callbacks=[watch], verbose=0)
    progression.seconds = time.perf_counter() - progression.started


def _figures(
    progression: Progression,
    whole: keras.Model,
    normalise: Any,
    training: Records,
    embed_seconds: float,
    unfrozen: int,
) -> dict[str, Any]:
    """The trained model's figures; training accuracy is measured on the final weights, unaugmented."""
    assert progression.best is not None
    compile_(whole, 1e-5)
    data = training.batches(64).map(lambda pixels, labels: (normalise(pixels), labels))
    loss, accuracy = whole.evaluate(data, verbose=0)
    phases = [row.phase for row in progression.history]
    return {
        "train_accuracy": accuracy,
        "train_loss": loss,
        "val_accuracy": progression.best.val_accuracy,
        "val_loss": progression.best.val_loss,
        "overfit_gap": accuracy - progression.best.val_accuracy,
        "best_epoch": progression.best.epoch,
        "best_phase": progression.best.phase,
        "epochs_frozen": phases.count("frozen"),
        "epochs_fine_tune": phases.count("fine_tune"),
        "unfrozen_blocks": unfrozen,
        "labelled_images": len(training),
        "images_seen": progression.images_seen,
        "embed_seconds": embed_seconds,
        "train_seconds": progression.seconds,
        "seconds_to_best": progression.seconds_to_best,
    }
