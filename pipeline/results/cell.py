"""One cell of a study: a strategy on a subset, its training and its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from headstart.components.shared.statistics import wilson
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.verdict.findings import CONVEX, Result


@dataclass(frozen=True)
class Cell:
    """One strategy on one subset: how it was trained, and what it said of each test image."""

    strategy: str
    subset: Subset
    figures: dict[str, Any]  # of the training: seconds, epochs, train and validation accuracy
    history: list[dict[str, str]]  # a row an epoch; empty for a reference
    predictions: Sequence[dict[str, Any]]  # a row a test image, as `components.shared.predictions` has them
    cached: bool  # whether it is an earlier run's
    model: Path | None = None  # the SavedModel, where the cell could be promoted

    @property
    def name(self) -> str:
        """As MLflow shows it: `fine_tune-100%`."""
        return f"{self.strategy}-{self.subset.name}"

    @property
    def fraction(self) -> float:
        """Of the training images."""
        return self.subset.fraction

    @property
    def images(self) -> int:
        """Labelled training images."""
        return self.subset.images

    @property
    def draw(self) -> int:
        """Which draw of the subset, from 0."""
        return self.subset.draw

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The figures of the whole cell, under the names that MLflow, DVC and the reports share."""
        numbers = {k: float(v) for k, v in self.figures.items() if isinstance(v, (int, float))}
        return {**scores(self.predictions), **numbers}

    @cached_property
    def model_digest(self) -> str:
        """Of the SavedModel's files.

        Raises:
            ValueError: the cell has no model.
        """
        if self.model is None:
            raise ValueError(f"{self.name} has no model")
        return digest(self.model)

    def result(self, val_images: int) -> Result:
        """What the verdict needs of it; `val_images` is the size of the validation split."""
        history = tuple(
            tuple(float(row[key]) for key in ("elapsed", "train_loss", "val_loss", "val_accuracy"))
            for row in self.history
        )
        return Result(
            strategy=self.strategy,
            fraction=self.fraction,
            images=self.images,
            draw=self.draw,
            correct=np.array([row["label_rank"] == 0 for row in self.predictions]),
            seconds=self.metrics["train_seconds"],
            tuning_seconds=self.metrics["tuning_seconds"],
            val_images=val_images,
            history=history,  # type: ignore[arg-type]  # four numbers a row
            train_accuracy=self.metrics["train_accuracy"],
            val_accuracy=self.metrics["val_accuracy"],
            seconds_to_best=self.metrics["seconds_to_best"],
            cpu_seconds=self.metrics["cpu_seconds"],
            setup_seconds=self.metrics["setup_seconds"],
            convex=self.strategy in CONVEX or bool(self.figures.get("convex", False)),
        )


def scores(predictions: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Every metric of a cell on the test split, from its predictions.

    Args:
        predictions: `label`, `predicted` (names) and `label_rank` of each image.

    Returns:
        Accuracy with its 95 % Wilson interval, top-3 accuracy, and precision, recall and F1 averaged over
        the classes that occur, as a truth or as an answer (`sklearn.metrics`, `zero_division=0`).
    """
    from sklearn.metrics import precision_recall_fscore_support

    truth = [row["label"] for row in predictions]
    answers = [row["predicted"] for row in predictions]
    accuracy = sum(row["label_rank"] == 0 for row in predictions) / len(predictions)
    low, high = wilson(accuracy, len(predictions))
    averaged = precision_recall_fscore_support(truth, answers, average="macro", zero_division=0)
    return {
        "test_accuracy": accuracy,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_top_k_accuracy": sum(row["label_rank"] < 3 for row in predictions) / len(predictions),
        **dict(zip(("test_macro_precision", "test_macro_recall", "test_macro_f1"), map(float, averaged))),
        "test_images": float(len(predictions)),
    }
