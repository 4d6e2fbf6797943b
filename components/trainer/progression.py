"""What every way of training shares: the history, the clock, the best weights, the stop."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from headstart.components.trainer import observers
from headstart.components.trainer.clock import Clock


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
    elapsed: float  # of training so far, as `train_seconds` counts
    ended: float


@dataclass(frozen=True)
class Data:
    """What a phase trains on, and what it is judged on."""

    shuffled: tf.data.Dataset  # the training images, varied
    training: tf.data.Dataset  # as they are, in order
    validation: tf.data.Dataset
    test: tf.data.Dataset  # for the predictions of the finished model; nothing is chosen by it


class Progression:
    """The history so far, the best weights on the validation split, and the seconds.

    The clock leaves out what is paid once a process and not by the method: tracing and the first touch of
    the data, which is what the first step of a phase takes beyond the others. `setup` counts it, `tuning`
    what a search for settings takes, and `telling` what observers take.
    """

    def __init__(self, whole: keras.Model, before: tuple[float, float] = (0.0, 0.0), by: str = "val_loss"):
        """Start the clock.

        Args:
            whole: the classifier whose weights are kept, whatever part of it is trained.
            before: wall and CPU seconds that were spent on these images before, by the Embedder.
            by: "val_loss", or "val_accuracy" with the loss deciding between equals.
        """
        self.whole, self.by = whole, by
        self.history: list[Epoch] = []
        self.best: Epoch | None = None
        self.best_weights: list[np.ndarray] = []
        self.seconds_to_best = 0.0
        self.setup, self.tuning, self.telling = Clock(), Clock(), Clock()
        self._before = before
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def seconds(self, setup: float = 0.0) -> float:
        """Of training so far; `setup` is what the phase under way has spent on its first steps."""
        spent = time.perf_counter() - self._wall - sum(clock.seconds for clock in self._others())
        return self._before[0] + spent - setup

    def give_up(self) -> None:
        """Forget the history and the best weights: what it took was a search, and no part of the training."""
        self.tuning.add(self.seconds() - self._before[0], self._cpu_seconds())
        self.history, self.best, self.best_weights, self.seconds_to_best = [], None, [], 0.0

    def add(self, row: Epoch) -> bool:
        """Note an epoch; keep the weights if it is the best so far."""
        self.history.append(row)
        if self.best is not None and not self._better(row, self.best):
            return False
        self.best, self.best_weights, self.seconds_to_best = row, self.whole.get_weights(), row.elapsed
        return True

    def figures(self) -> dict[str, Any]:
        """What the history comes to.

        Raises:
            ArithmeticError: the validation loss was never a number.
        """
        if self.best is None:
            raise ArithmeticError("the validation loss was never finite: lower the learning rate")
        phases = [row.phase for row in self.history]
        return {
            "val_accuracy": self.best.val_accuracy,
            "val_loss": self.best.val_loss,
            "best_epoch": self.best.epoch,
            "best_phase": self.best.phase,
            "epochs": len(phases),
            "epochs_frozen": phases.count("frozen"),
            "seconds_to_best": self.seconds_to_best,
            **self.spent(),
        }

    def spent(self) -> dict[str, float]:
        """What the training took, whatever came of it."""
        return {
            "train_seconds": self.history[-1].elapsed if self.history else self.seconds(),
            "setup_seconds": self.setup.seconds,
            "tuning_seconds": self.tuning.seconds,
            "cpu_seconds": self._before[1] + self._cpu_seconds(),
        }

    def _cpu_seconds(self) -> float:
        return time.process_time() - self._cpu - sum(clock.cpu_seconds for clock in self._others())

    def _others(self) -> tuple[Clock, ...]:
        return self.setup, self.tuning, self.telling

    def _better(self, row: Epoch, than: Epoch) -> bool:
        if self.by == "val_loss":
            return row.val_loss < than.val_loss
        return (row.val_accuracy, -row.val_loss) > (than.val_accuracy, -than.val_loss)


class _Watch(keras.callbacks.Callback):
    """Writes the history and stops when validation no longer improves."""

    def __init__(self, progression: Progression, phase: str, patience: int, bar: Any):
        super().__init__()
        self.progression, self.phase, self.patience, self.bar = progression, phase, patience, bar
        self.since_best = 0
        self.setup_seconds = 0.0  # what the first steps took beyond the others
        self._steps: dict[str, list[float]] = {"train": [], "test": []}  # until that is known

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._began_step = time.perf_counter()

    on_test_batch_begin = on_train_batch_begin

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._note("train")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._note("test")

    def _note(self, name: str) -> None:
        if name in self._steps:
            self._steps[name].append(time.perf_counter() - self._began_step)

    def _elapsed(self) -> float:
        for name in [name for name, steps in self._steps.items() if len(steps) > 1]:
            first, *others = self._steps.pop(name)
            self.setup_seconds += max(0.0, first - median(others))
        unsettled = sum(steps[0] for steps in self._steps.values() if steps)  # where epochs have one step
        now = self.progression.seconds(self.setup_seconds + unsettled)
        return max([now, *(row.elapsed for row in self.progression.history[-1:])])

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        assert logs is not None
        row = Epoch(
            epoch=len(self.progression.history),
            phase=self.phase,
            train_loss=logs["loss"],
            train_accuracy=logs["accuracy"],
            val_loss=logs["val_loss"],
            val_accuracy=logs["val_accuracy"],
            learning_rate=float(self.model.optimizer.learning_rate),
            epoch_seconds=time.perf_counter() - self._began,
            elapsed=self._elapsed(),
            ended=time.time(),
        )
        if not math.isfinite(row.val_loss):
            self.model.stop_training = True
            return
        self.since_best = 0 if self.progression.add(row) else self.since_best + 1
        self.bar(epoch + 1, row)
        with self.progression.telling.running():
            observers.epoch_ended(asdict(row))
        if self.since_best >= self.patience:
            self.model.stop_training = True


def patience(settings: dict[str, Any], patience_steps: int, steps: int) -> int:
    """Epochs without a better validation before a phase stops: counted in epochs and in steps."""
    return max(settings["patience"], math.ceil(patience_steps / steps))


def fit(
    model: keras.Model,
    progression: Progression,
    phase: str,
    settings: dict[str, Any],
    patience_steps: int,
    data: Data,
    callbacks: tuple[keras.callbacks.Callback, ...] = (),
) -> None:
    """Train until validation no longer improves.

    Args:
        model: compiled; the whole classifier or the part of it that is trained.
        progression: takes the history and the best weights.
        phase: its name in the history.
        settings: `epochs` and `patience`.
        patience_steps: no stop sooner than this many steps after the best.
        data: what to train and to validate on.
        callbacks: further ones, called before the history is written.
    """
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

        wait = patience(settings, patience_steps, int(data.shuffled.cardinality()))
        watch = _Watch(progression, phase, wait, bar)
        model.fit(
            data.shuffled,
            validation_data=data.validation,
            epochs=settings["epochs"],
            callbacks=[*callbacks, watch],
            verbose=0,
        )
    progression.setup.add(watch.setup_seconds)


def rows(history: list[Epoch]) -> list[dict[str, Any]]:
    """The history as plain values."""
    return [asdict(row) for row in history]
