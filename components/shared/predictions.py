"""What a cell leaves: its files' names, and what it said of each test image, one row an image, by path."""

from __future__ import annotations

import csv
import sys
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, overload

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


class Rows(Sequence[dict[str, Any]]):
    """The rows of a `predictions.csv`, kept as columns; a row becomes a dictionary when it is asked for.

    A study holds one for every cell. Names and paths are the same strings in all of them.
    """

    def __init__(self, columns: dict[str, Sequence[Any]]):
        """Keep columns of the same length."""
        self._columns = columns

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """A row: `path`, `label` and `predicted` as str, `confidence` as float, `label_rank` as int."""
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        return {name: values[at] for name, values in self._columns.items()}


def read(folder: Path) -> Rows:
    """The rows of a folder's `predictions.csv`."""
    with (folder / FILE).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    texts = dict(zip(header, zip(*rows))) if rows else dict.fromkeys(header, ())
    confidence, ranks = texts.pop("confidence"), texts.pop("label_rank")
    return Rows(
        {
            **{name: [sys.intern(text) for text in column] for name, column in texts.items()},
            "confidence": array("d", map(float, confidence)),
            "label_rank": array("q", map(int, ranks)),
        }
    )
