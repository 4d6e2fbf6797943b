"""What the out-of-fold predictions amount to, and the files that hold them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from headstart.components.cross_validation.out_of_fold import UNSEEN, OutOfFold
from headstart.components.shared.linear.folds import Folds

FILE = "out_of_fold.csv"
FIGURES = "figures.json"
COLUMNS = ("path", "label", "group", "fold", "predicted")
PROBABILITY = "probability of "  # before the name of each class


def figures(labels: np.ndarray, folds: Folds, found: OutOfFold, random: OutOfFold | None) -> dict[str, Any]:
    """Accuracy by fold, its mean over the folds, the overfitting gap, and the gain on random weights.

    A standard error is the folds' standard deviation / √folds. The folds' training images overlap, so it is
    somewhat too small (Bengio and Grandvalet 2004, JMLR 5:1089).

    Args:
        labels: int [images].
        folds: as they were predicted.
        found: with the base.
        random: with random weights, on the same folds.

    Returns:
        `folds`, each with `training_images`, `images`, `training_accuracy`, `accuracy`, `random_accuracy`;
        and `accuracy`, `gap` (training less held-out accuracy), `random_accuracy`, `gain` (paired by fold),
        each `{"mean", "standard_error"}`. What cannot be told is None.
    """
    accuracy = _by_fold(labels, folds, found)
    other = None if random is None else _by_fold(labels, folds, random)
    rows = [
        {
            "training_images": int(training.sum()),
            "images": int(held_out.sum()),
            "training_accuracy": float(found.training_accuracy[number]),
            "accuracy": float(accuracy[number]),
            "random_accuracy": None if other is None else float(other[number]),
        }
        for number, (training, held_out) in enumerate(zip(folds.training, folds.held_out))
    ]
    return {
        "folds": rows,
        "accuracy": _mean(accuracy),
        "gap": _mean(found.training_accuracy - accuracy),
        "random_accuracy": None if other is None else _mean(other),
        "gain": None if other is None else _mean(accuracy - other),
    }


def write(
    folder: Path,
    paths: Sequence[str],
    labels: np.ndarray,
    groups: Sequence[str],
    names: Sequence[str],
    found: OutOfFold,
    content: dict[str, Any],
) -> None:
    """Write `out_of_fold.csv`, a row for each image that a fold held out, and `figures.json`.

    Args:
        folder: where to; made if absent.
        paths: of the images, in order.
        labels: int [images].
        groups: of the images.
        names: of the classes, by index.
        found: the predictions.
        content: the figures.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*COLUMNS, *(f"{PROBABILITY}{name}" for name in names)])
        for row in np.flatnonzero(found.fold != UNSEEN):
            values = found.probabilities[row]
            about = [paths[row], names[labels[row]], groups[row], found.fold[row] + 1, names[values.argmax()]]
            writer.writerow([*about, *(f"{value:.6f}" for value in values)])
    (folder / FIGURES).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """A folder's `figures.json`."""
    return json.loads((folder / FIGURES).read_text(encoding="utf-8"))


def _by_fold(labels: np.ndarray, folds: Folds, found: OutOfFold) -> np.ndarray:
    right = found.probabilities.argmax(axis=1) == labels
    return np.array([right[held_out].mean() for held_out in folds.held_out])


def _mean(values: np.ndarray) -> dict[str, float | None] | None:
    if not len(values):
        return None
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return {"mean": float(values.mean()), "standard_error": error}
