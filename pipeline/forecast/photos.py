"""From the photos of a pool and a head to those to label first."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from scipy.special import softmax

from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.linear import head
from headstart.pipeline.forecast import selection
from headstart.pipeline.forecast.measurement import Head
from headstart.pipeline.forecast.pool import Pool
from headstart.pipeline.forecast.stored import Stored
from headstart.pipeline.results.forecast import Photo, PhotoAdvice


def advise(folder: Path, pool: Pool, stored: Stored, chosen: Head, count: int, seed: int) -> PhotoAdvice:
    """Which photos to label first.

    Args:
        folder: of the pool.
        pool: its photos.
        stored: the labelled images. Of the validation and the test split only the features are read, so that
            no near copy of their images gets into training.
        chosen: blocks, grid and penalty of the head that predicts the photos.
        count: photos to choose; all if there are fewer.
        seed: of the clusters.
    """
    train, others = StoredBlocks(stored.train), StoredBlocks(pool.split)
    every, photos = np.arange(len(train)), np.arange(len(others))
    labels = stored.train.labels
    fitted = head.fit(train, labels, every, len(stored.labels), chosen.candidate, chosen.penalty)
    probabilities = softmax(head.logits(fitted, others, photos), axis=1)
    embeddings = selection.unit(pool.split.embeddings(photos, np.zeros_like(photos)))
    kept = np.flatnonzero(selection.distinct(embeddings, selection.unit(stored.embeddings)))
    known = selection.unit(stored.train.embeddings(every, np.zeros_like(every)))
    found = selection.select(embeddings[kept], known, probabilities[kept], count, seed)
    first = kept[found.rows]
    return PhotoAdvice(
        folder=str(folder),
        found=len(pool.paths),
        near_copies=len(pool.paths) - len(kept),
        skipped=pool.skipped,
        reason=found.reason,
        photos=tuple(
            Photo(pool.paths[row], stored.labels[best], float(probabilities[row, best]))
            for row, best in zip(first, probabilities[first].argmax(axis=1))
        ),
    )


def write(advice: PhotoAdvice, file: Path) -> None:
    """The photos as CSV, the one to label first in the first row."""
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["order", "path", "reason", "predicted", "probability"])
        for order, one in enumerate(advice.photos, 1):
            writer.writerow([order, one.path, advice.reason, one.label, f"{one.probability:.4f}"])
