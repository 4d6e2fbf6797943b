"""The manifest's folds: which fold of cross-validation holds each training image out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timezone

import numpy as np

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.linear import folds
from headstart.pipeline.config.images import Prepare
from headstart.pipeline.data.claims import Image
from headstart.pipeline.data.layout import METADATA
from headstart.pipeline.data.metadata import Metadata
from headstart.pipeline.data.split import group_names


def numbers(training: Sequence[Image], metadata: Metadata, settings: Prepare) -> dict[str, str]:
    """The fold that holds each training image out, by path: "1" and up, or "0" where none does.

    Args:
        training: the training images, at least one.
        metadata: has the times, where folds are made by time.
        settings: the seed, the number of folds, the column of the times.

    Raises:
        HeadstartError: the column of the times is absent, a time cannot be read, or all are the same.
    """
    images = sorted(training, key=lambda image: image.path)
    names = group_names(images)
    groups = np.array([names[image.path] for image in images])
    if settings.time:
        found = folds.in_time(_times(images, metadata, settings.time), groups, settings.folds)
        if not found.any():
            raise HeadstartError(
                f"No image or group is later than another by the column '{settings.time}' of {METADATA}, so "
                "no fold can train on earlier images: correct the column or empty prepare.time."
            )
    else:
        labels = np.unique([image.label for image in images], return_inverse=True)[1]
        held_out = folds.make(labels, groups, settings.seed, settings.folds)
        found = np.arange(1, len(held_out) + 1) @ held_out  # 0 where no fold holds it out
    return {image.path: str(number) for image, number in zip(images, found)}


def _times(images: Sequence[Image], metadata: Metadata, column: str) -> np.ndarray:
    """The time of each image: float64 [images], numbers as they are or seconds since 1970."""
    if column not in metadata.columns:
        raise HeadstartError(
            f"prepare.time in params.yaml names the column '{column}', which data/{METADATA} lacks: add the "
            "column, or correct or empty prepare.time."
        )
    cells = [metadata.value(image.path, column) for image in images]
    as_time = _number if _readable(_number, cells[0]) else _seconds
    for image, cell in zip(images, cells):
        if not _readable(as_time, cell):
            what = "number" if as_time is _number else "date"
            raise HeadstartError(
                f"{image.path} has '{cell}' in the column '{column}' of data/{METADATA}, which is no {what}: "
                "give every training image a number, or every one a date such as 2024-05-31 or "
                "2024-05-31 14:30, or empty prepare.time in params.yaml."
            )
    return np.array([as_time(cell) for cell in cells])


def _readable(as_time: Callable[[str], float], cell: str) -> bool:
    try:
        return math.isfinite(as_time(cell))
    except ValueError:
        return False


def _number(cell: str) -> float:
    return float(cell)


def _seconds(cell: str) -> float:
    moment = datetime.fromisoformat(cell.replace("Z", "+00:00"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
