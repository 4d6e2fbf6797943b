"""The out-of-fold predictions of a study, as `reports/out_of_fold.csv` has them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from headstart.components.cross_validation.figures import FILE, PROBABILITY
from headstart.components.shared.errors import HeadstartError


@dataclass(frozen=True)
class OutOfFold:
    """Of each training image that a fold held out, what a head says that was fitted without it."""

    classes: tuple[str, ...]
    labels: np.ndarray  # int64 [images]: positions in `classes`
    groups: np.ndarray  # str [images]: images of one group are no independent evidence
    probabilities: np.ndarray  # float64 [images, classes]

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class, int64 [images]."""
        return self.probabilities.argmax(axis=1)


def read(folder: Path) -> OutOfFold:
    """The predictions in the reports of a study, or in what cross-validation left.

    Raises:
        HeadstartError: there are none.
    """
    file = folder / FILE
    if not file.is_file():
        raise HeadstartError(
            f"{file} is not here: run `dvc repro` first, or `dvc checkout` to get it back. Reports of "
            "versions before cross-validation lack it."
        )
    with file.open(encoding="utf-8", newline="") as opened:
        header, *rows = csv.reader(opened)
    if not rows:
        raise HeadstartError(
            f"{file} has no image: no fold could be made. Every class has a single image or group to train "
            "on, so add images."
        )
    named = {name: place for place, name in enumerate(header)}
    columns = [place for place, name in enumerate(header) if name.startswith(PROBABILITY)]
    classes = tuple(header[place].removeprefix(PROBABILITY) for place in columns)
    places = {name: place for place, name in enumerate(classes)}
    return OutOfFold(
        classes,
        np.array([places[row[named["label"]]] for row in rows]),
        np.array([row[named["group"]] or row[named["path"]] for row in rows]),
        np.array([[float(row[place]) for place in columns] for row in rows]),
    )
