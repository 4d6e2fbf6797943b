"""The candidate of a study, as the folder `candidate` holds it for the stage `promote`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from headstart.components.shared.errors import HeadstartError

MODEL = "model"  # the SavedModel, beside the figures
_FIGURES = "candidate.json"
_TEST = "test.csv"

# Columns of test.csv beside the manifest's; a column of the user's own has no space in its name.
UNIT = "stays together"
PREDICTED = "candidate label"
CONFIDENCE = "candidate probability"


@dataclass(frozen=True)
class Candidate:
    """The best model of a study on the validation split, and what the test split says of it."""

    cell: str
    accuracy: float  # on the test split, 0…1
    failures: list[str]  # thresholds of the gate that it misses; without any it is blessed
    model_digest: str
    origin: dict[str, str]  # versions of the data and the code that it was made with, its base

    def write(self, folder: Path) -> None:
        """Write the figures."""
        text = json.dumps(asdict(self), indent=2) + "\n"
        (folder / _FIGURES).write_text(text, encoding="utf-8")


def read(folder: Path) -> Candidate:
    """Read the figures.

    Raises:
        HeadstartError: there is no candidate.
    """
    try:
        return Candidate(**json.loads((folder / _FIGURES).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise HeadstartError(
            f"{folder / _FIGURES} is not here: `dvc repro study` trains a candidate, and `dvc pull` or "
            "`dvc checkout` bring back one that was trained."
        ) from None
    except TypeError:
        raise HeadstartError(
            f"{folder / _FIGURES} is of another version of headstart: `headstart upgrade`, then `dvc repro` "
            "makes it anew."
        ) from None


def write_test(
    folder: Path, rows: Iterable[Mapping[str, str]], units: Iterable[str], predictions: Iterable[Mapping]
) -> None:
    """Write `test.csv`: the manifest's rows of the test images, each with what the candidate predicted.

    Args:
        folder: of the candidate.
        rows: of the test images, by path.
        units: of each image, the name of all that stay together with it: copies, and its group.
        predictions: of the same images, by path: `predicted` and `confidence`, the label's probability.
    """
    table = [
        {**row, UNIT: unit, PREDICTED: told["predicted"], CONFIDENCE: told["confidence"]}
        for row, unit, told in zip(rows, units, predictions, strict=True)
    ]
    with (folder / _TEST).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def read_test(folder: Path) -> list[dict[str, str]]:
    """The rows of `test.csv`."""
    with (folder / _TEST).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
