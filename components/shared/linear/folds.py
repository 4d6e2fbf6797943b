"""Folds: made by class or by time, with groups kept together, and read from the manifest."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import FOLD, GROUP, LABEL, PATH, TRAIN
from headstart.components.shared.groups import keys_of, together

FOLDS = 5


@dataclass(frozen=True)
class Folds:
    """What each fold trains on and what it holds out; by time, a fold leaves later images out of both."""

    training: np.ndarray  # bool [folds, images]
    held_out: np.ndarray  # bool [folds, images]


def make(labels: np.ndarray, groups: np.ndarray, seed: int, most: int = FOLDS) -> np.ndarray:
    """Decide which images each fold holds out.

    The number of folds is that of the groups of the rarest class, from 2 to `most`. Classes with a single
    group do not count here: they are never held out. A fold that would take the last images of a class out
    of training keeps their groups in training, so a model of any fold knows every class.

    Args:
        labels: int [images]: class of each.
        groups: str or int [images]: images of one group are never on both sides; copies share one.
        seed: the same seed makes the same folds.
        most: number of folds where there are enough images.

    Returns:
        bool [folds, images]: True where the fold holds the image out. Folds that hold out nothing are
        dropped; where every class has a single group, no fold remains.
    """
    groups = np.unique(groups, return_inverse=True)[1]
    members = np.unique(np.stack([labels, groups]), axis=1)[0]  # one entry a class and group
    counts = np.unique(members, return_counts=True)[1]
    divisible = counts[counts > 1]
    if not len(divisible):
        return np.zeros((0, len(labels)), bool)
    count = min(most, int(divisible.min()))
    # StratifiedGroupKFold takes a hundred times as long, and balances images without groups no better.
    splitter = StratifiedKFold if len(np.unique(groups)) == len(groups) else StratifiedGroupKFold
    held_out = np.zeros((count, len(labels)), bool)
    with warnings.catch_warnings():
        # Of classes with a single image, and of groups given to the splitter that needs none.
        warnings.filterwarnings("ignore", "The (least populated class|groups parameter)", UserWarning)
        parts = splitter(count, shuffle=True, random_state=seed).split(labels, labels, groups)
        for fold, (_, rows) in enumerate(parts):
            held_out[fold, rows] = True
    return _knowing_every_class(held_out, labels, groups)


def in_time(times: np.ndarray, groups: np.ndarray, most: int = FOLDS) -> np.ndarray:
    """Divide images into blocks of about equal size, in the order of time.

    Fold i, from 1, trains on the blocks before block i and holds block i out. Block 0 is never held out.
    A group is as late as its latest image. Images of the same time share a block, so that a fold trains on
    earlier images only. Classes do not count: a class may first appear in an image that is held out, and
    every model then predicts that image wrongly.

    Args:
        times: float64 [images]: of each image, in any unit.
        groups: str or int [images]: images of one group share a block.
        most: number of folds where the times allow so many.

    Returns:
        int64 [images]: the block of each image, from 0.
    """
    groups = np.unique(groups, return_inverse=True)[1]
    latest = np.full(groups.max() + 1, -np.inf)
    np.maximum.at(latest, groups, times)
    _, moment, counts = np.unique(latest[groups], return_inverse=True, return_counts=True)
    middle = counts.cumsum() - counts / 2
    blocks = np.floor(middle * (most + 1) / len(times)).astype(np.int64)
    return np.unique(blocks, return_inverse=True)[1][moment]


def read(manifest: Path, paths: Sequence[str], by_time: bool) -> Folds:
    """The manifest's folds of some of the training images.

    Those of a subset are the manifest's, restricted to it. Where that would take the last images of a class
    out of a fold's training part, it keeps their groups in training, as `make` does. By time it does not:
    every fold trains on earlier images only.

    Args:
        manifest: manifest.csv.
        paths: of the images, in the order of the result.
        by_time: whether `prepare` made the folds by time.

    Returns:
        The folds that train on some image and hold some image out; there may be none.

    Raises:
        HeadstartError: the manifest is absent, has no folds, or does not have an image in its training split.
    """
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            rows = {row[PATH]: row for row in reader if row["split"] == TRAIN}
    except FileNotFoundError:
        raise HeadstartError(f"{manifest} is not here: `dvc repro prepare` makes it from data/.") from None
    if FOLD not in (reader.fieldnames or ()):
        raise HeadstartError(f"{manifest} has no folds: `dvc repro prepare` makes it anew.")
    if unknown := next((path for path in paths if path not in rows), None):
        raise HeadstartError(
            f"{manifest} has no training image '{unknown}': `dvc repro` makes both manifest and study anew."
        )
    numbers = np.array([int(rows[path][FOLD]) for path in paths], np.int64)
    folds = np.arange(1, max((int(row[FOLD]) for row in rows.values()), default=0) + 1)[:, None]
    if by_time:
        training, held_out = numbers < folds, numbers == folds
        useful = training.any(axis=1) & held_out.any(axis=1)
        return Folds(training[useful], held_out[useful])
    units = together(keys_of(row["sha256"], row.get(GROUP, "")) for row in rows.values())
    unit_of = dict(zip(rows, units))
    labels = np.array([rows[path][LABEL] for path in paths])
    groups = np.array([unit_of[path] for path in paths])
    held_out = _knowing_every_class(numbers == folds, labels, groups)
    return Folds(~held_out, held_out)


def sample(rows: np.ndarray, groups: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most so many rows, whole groups of them, at random; two groups at least.

    Args:
        rows: int64 [some images].
        groups: str or int [images].
        most: number of rows.
        seed: another one draws other groups.

    Returns:
        int64: the rows of the groups that were drawn, in their order.
    """
    if len(rows) <= most:
        return rows
    names, counts = np.unique(groups[rows], return_counts=True)
    kept, room = [], most
    for place in np.random.default_rng(seed).permutation(len(names)):
        if counts[place] <= room:
            kept.append(place)
            room -= counts[place]
    if len(kept) < 2:  # very large groups: folds need two
        kept = np.argsort(counts, kind="stable")[:2].tolist()
    return rows[np.isin(groups[rows], names[kept])]


def _knowing_every_class(held_out: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Keep in training what a fold needs to know every class; drop folds that then hold nothing out."""
    held_out = held_out.copy()
    for fold in held_out:
        emptied = np.isin(labels, np.setdiff1d(labels, labels[~fold]))
        fold[np.isin(groups, groups[emptied])] = False
    return held_out[held_out.any(axis=1)]
