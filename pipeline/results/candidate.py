"""The candidate of a study, as the folder `candidate` holds it for the stage `promote`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from headstart.components.shared.errors import HeadstartError

MODEL = "model"  # the SavedModel, beside the figures
_FIGURES = "candidate.json"


@dataclass(frozen=True)
class Candidate:
    """The best model of a study on the validation split, and what the test split says of it."""

    cell: str
    accuracy: float  # on the test split, 0…1
    failures: list[str]  # thresholds of the gate that it misses; without any it is blessed
    model_digest: str

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
