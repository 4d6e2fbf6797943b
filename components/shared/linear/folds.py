"""The one function that makes folds: stratified by class, with groups kept together."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

FOLDS = 5


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
    for fold in held_out:
        emptied = np.isin(labels, np.setdiff1d(labels, labels[~fold]))
        fold[np.isin(groups, groups[emptied])] = False
    return held_out[held_out.any(axis=1)]
