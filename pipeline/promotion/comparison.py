"""Judges a candidate against the champion, on the test images that are new to both."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import LABEL, MANIFEST_COLUMNS, PATH
from headstart.pipeline.data.seen import NOTHING, Seen
from headstart.pipeline.promotion.decision import Comparison, SliceChange
from headstart.pipeline.results.candidate import CONFIDENCE, PREDICTED, UNIT
from headstart.pipeline.serving import models
from headstart.pipeline.startup import library_logs
from headstart.pipeline.tracking import registry
from headstart.pipeline.tracking.registry import Version
from headstart.pipeline.verdict.statistics import difference
from headstart.pipeline.verdict.units import Units

Rows = Sequence[dict[str, str]]  # of the candidate's `test.csv`

_NO_SLICES = (*MANIFEST_COLUMNS, UNIT, PREDICTED, CONFIDENCE)


def compare(
    rows: Rows, data: Path, champion: Path, version: Version, seen: Seen, confidence: float
) -> Comparison:
    """Ask the champion about the images that nobody has seen, and compare with what the candidate answered.

    TFMA gives the accuracies on slices. The gain's bound is that of the verdict's paired comparison of two
    trained models.

    Args:
        rows: the test images with the candidate's answers.
        data: the folder that their paths are relative to.
        champion: its SavedModel.
        version: the champion in the registry.
        seen: what the candidate, and models that it grew from, have seen.
        confidence: of the bound on the gain, one-sided, 0…1.

    Raises:
        HeadstartError: an image is not the one that the candidate answered for.
    """
    known = registry.images_seen(version)
    clean = unseen(rows, seen | (known or NOTHING))
    units = [row[UNIT] for row in clean]
    counts = (len(clean), len(set(units)), len(rows) - len(clean), known is not None)
    if not clean:
        return Comparison(version.number, *counts, math.nan, math.nan, -math.inf, ())
    images = (file_of(row, data).read_bytes() for row in clean)
    answers = [answer.label for answer in models.predict(champion, images)]
    with library_logs.loading():
        from headstart.components.evaluator import comparison

    columns = [name for name in rows[0] if name not in _NO_SLICES and len({row[name] for row in rows}) > 1]
    predicted = [row[PREDICTED] for row in clean]
    overall, *slices = comparison.compare(clean, columns, answers, predicted)
    before, after = (
        np.array([[answer == row[LABEL]] for answer, row in zip(told, clean)])
        for told in (answers, predicted)
    )
    return Comparison(
        version.number,
        *counts,
        overall.baseline,
        overall.candidate,
        difference(after, before, (), Units(units)).interval(confidence).low,
        tuple(SliceChange(one.column, one.value, one.images, one.baseline, one.candidate) for one in slices),
    )


def unseen(rows: Rows, seen: Seen) -> Rows:
    """The images that a model has not seen, nor a copy of them, nor another image of their group."""
    known = {row[UNIT] for row in rows if seen.has(row)}
    return [row for row in rows if row[UNIT] not in known]


def file_of(row: dict[str, str], data: Path) -> Path:
    """The file of an image.

    Raises:
        HeadstartError: it is absent, or another one than the study's.
    """
    file = data / row[PATH]
    found = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
    if found != row["sha256"]:
        what = "has changed since the candidate was trained" if found else "is not here"
        raise HeadstartError(f"{file} {what}: run `dvc repro`, or get it back with `dvc checkout`.")
    return file
