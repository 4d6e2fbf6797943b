"""What a cell leaves: its files' names, and what it said of each test image, one row an image, by path."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

FILE = "predictions.csv"
FIGURES = "figures.json"
FAILURE = "failure.txt"  # beside the figures of a cell that failed
COLUMNS = ("path", "label", "predicted", "confidence", "label_rank")


def write(
    folder: Path, paths: Sequence[str], labels: np.ndarray, probabilities: np.ndarray, names: Sequence[str]
) -> Path:
    """Write `predictions.csv`.

    `label_rank` is the place of the true class among all classes, best first, 0 where the prediction is
    right; of two classes with the same probability the one with the lower index comes first.

    Args:
        folder: where to; made if absent.
        paths: of the images.
        labels: int64 [images]: their true classes.
        probabilities: float [images, classes].
        names: of the classes, by index.

    Returns:
        The file.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranks = np.argmax(order == np.asarray(labels)[:, None], axis=1)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in sorted(range(len(paths)), key=lambda row: paths[row]):
            predicted = order[row, 0]
            confidence = f"{probabilities[row, predicted]:.6f}"
            writer.writerow([paths[row], names[labels[row]], names[predicted], confidence, ranks[row]])
    return file


def write_rows(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows that `read` returned."""
    file = folder / FILE
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return file


def read(folder: Path) -> list[dict[str, Any]]:
    """The rows of a folder's `predictions.csv`; `confidence` as float, `label_rank` as int."""
    with (folder / FILE).open(encoding="utf-8", newline="") as file:
        return [
            {**row, "confidence": float(row["confidence"]), "label_rank": int(row["label_rank"])}
            for row in csv.DictReader(file)
        ]
