"""What a study found, as plain values: the contract between runner, tracking, reports and promotion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.evaluator.results import SliceMetrics


@dataclass(frozen=True)
class Cell:
    """One strategy on one subset: its model, how it was trained, how it did on the test split."""

    strategy: str
    fraction: float
    model: Path  # the SavedModel
    cached: bool  # whether the model is an earlier run's
    labels: list[str]  # in the order of the model's outputs
    figures: dict[str, Any]  # of the Trainer: seconds, epochs, train and validation accuracy
    history: list[dict[str, str]]  # a row an epoch
    overall: SliceMetrics
    slices: list[SliceMetrics]
    confusion: list[list[int]]  # [actual][predicted], images
    baseline_accuracy: float | None
    failures: list[str]

    @property
    def name(self) -> str:
        """As MLflow shows it: `fine_tune-100%`."""
        return (
            f"{self.strategy}-{self.fraction:.0%}"
            if self.fraction >= 0.01
            else f"{self.strategy}-{self.fraction:.2%}"
        )

    @property
    def metrics(self) -> dict[str, float]:
        """The figures of the whole cell, under the names that MLflow, DVC and the reports share."""
        test = {f"test_{name}": value for name, value in self.overall.metrics.items()}
        interval = {"test_accuracy_low": self.overall.low, "test_accuracy_high": self.overall.high}
        numbers = {k: float(v) for k, v in self.figures.items() if isinstance(v, (int, float))}
        return {**test, **interval, "test_images": float(self.overall.images), **numbers}
