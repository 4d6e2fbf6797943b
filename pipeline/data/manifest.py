"""manifest.csv, the contract between data and pipeline: one row for each image (docs/data.md)."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import FOLD, MANIFEST_COLUMNS, PATH, TRAIN
from headstart.components.shared.files import leads_outside
from headstart.pipeline.project import MANIFEST

Row = dict[str, str]


def read(path: Path = MANIFEST) -> list[Row]:
    """The manifest's rows as they stand in the file: every value is a string.

    Raises:
        HeadstartError: the file is not there, or a path in it leaves the data folder.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise HeadstartError(f"{path} is not here: `dvc repro prepare` makes it from data/.") from None
    if outside := next((row[PATH] for row in rows if leads_outside(row[PATH])), None):
        raise HeadstartError(
            f"{path} names '{outside}', which leaves the data folder: delete {path}, then run `dvc repro`."
        )
    return rows


def fingerprint(path: Path = MANIFEST) -> str:
    """SHA-256 of the manifest, which stands for all of the data: it holds every image's own hash."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def examples_fingerprint(path: Path = MANIFEST) -> str:
    """SHA-256 of what the examples hold: all but the folds, so that other folds train nothing again."""
    rows = [{name: value for name, value in row.items() if name != FOLD} for row in read(path)]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def folds_digest(path: Path = MANIFEST) -> str:
    """SHA-256 of the folds of the training images."""
    folds = [(row[PATH], row.get(FOLD)) for row in read(path) if row["split"] == TRAIN]
    return hashlib.sha256(json.dumps(folds).encode()).hexdigest()


def slice_columns(rows: list[Row]) -> list[str]:
    """Columns that make slices: those that do not say the same of every image."""
    return [name for name in rows[0] if name not in MANIFEST_COLUMNS and len({row[name] for row in rows}) > 1]
