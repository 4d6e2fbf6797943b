"""The fold of every training image, for cross-validation: at random, or in the order of time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.linear import folds
from headstart.pipeline.config.images import Prepare
from headstart.pipeline.data import claims
from headstart.pipeline.data.claims import Image
from headstart.pipeline.data.metadata import ABSENT, Metadata


def assign(training: list[Image], settings: Prepare, metadata: Metadata) -> dict[str, int]:
    """The number of the fold that holds each image out, by path; `folds.NEVER` where none does.

    Copies and groups stay together.

    Args:
        training: the training images.
        settings: number of folds, column of times, seed.
        metadata: the user's columns.

    Raises:
        HeadstartError: there is no such column, or it has a value that is no time.
    """
    units = claims.units(training)
    unit_of = {image.path: name for name, unit in units.items() for image in unit}
    groups = np.array([unit_of[image.path] for image in training])
    if settings.time:
        times = _times([image.path for image in training], settings.time, metadata)
        numbers = folds.in_time(times, groups, settings.folds)
    else:
        labels = np.unique([image.label for image in training], return_inverse=True)[1]
        held_out = folds.make(labels, groups, settings.seed, settings.folds)
        numbers = (held_out * np.arange(1, len(held_out) + 1)[:, None]).sum(axis=0)
    return {image.path: int(number) for image, number in zip(training, numbers)}


def _times(paths: Sequence[str], column: str, metadata: Metadata) -> np.ndarray:
    """The values of a column as numbers: numbers as they are, dates as seconds."""
    if column not in metadata.columns:
        named = f"it has {', '.join(metadata.columns)}" if metadata.columns else "it has no further columns"
        raise HeadstartError(
            f"prepare.time names the column '{column}', which metadata.csv lacks ({named}): "
            'add the column, or set prepare.time to "".'
        )
    texts = pd.Series([metadata.value(path, column) for path in paths], index=paths)
    numbers = pd.to_numeric(texts, errors="coerce")
    if numbers.isna().any():
        dates = pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True)
        numbers = (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    if numbers.isna().any():
        path = numbers.index[numbers.isna()][0]
        found = texts[path]
        what = "no value" if found == ABSENT else f"'{found}'"
        raise HeadstartError(
            f"metadata.csv has {what} in the column '{column}' for {path}, and prepare.time needs a number "
            "or a date such as 2026-03-31 or 2026-03-31T14:05 for every training image: correct that row."
        )
    return numbers.to_numpy(float)
