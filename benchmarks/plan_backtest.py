"""Does `headstart plan` foresee the accuracy with all images, from a quarter of them?

    python -m benchmarks.plan_backtest --clothing FOLDER --weights FILE --sign-digits FOLDER --small FILE --demo FOLDER

Ten draws of a quarter of the training images for each data set. Blocks, grid and penalty are chosen on the
quarter; the truth is the test accuracy of the head that is chosen and fitted on all training images. It also
counts how often the range holds the truth on simulated curves. docs/plan.md has the figures.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from sklearn.model_selection import train_test_split

from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.activations.store import Split
from headstart.components.shared.features import SPLITS, TEST, TRAIN, VALIDATION
from headstart.pipeline.startup import blas

DRAWS = 10
SHARE = 0.25


@dataclass(frozen=True)
class Images:
    """Files with their classes and splits."""

    files: list[str]
    labels: np.ndarray  # int64 [images]
    splits: np.ndarray  # str [images]


def clothing(folder: Path) -> Images:
    """A folder of train/, validation/ and test/."""
    found = sorted(path for split in SPLITS for path in (folder / split).glob("*/*"))
    return _images(found, [path.parts[-3] for path in found])


def sign_digits(folder: Path) -> Images:
    """A folder of classes: 70 % for training, 15 % for testing."""
    found = sorted(folder.glob("*/*.JPG"))
    classes = [path.parent.name for path in found]
    at = np.arange(len(found))
    _, others = train_test_split(at, test_size=0.3, stratify=classes, random_state=1)
    splits = np.full(len(found), TRAIN, object)
    splits[others[::2]], splits[others[1::2]] = VALIDATION, TEST
    return _images(found, splits)


def demo(folder: Path) -> Images:
    """A project in which `headstart demo` and `headstart prepare` have run."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return _images([folder / "data" / row["path"] for row in rows], [row["split"] for row in rows])


def _images(files: list[Path], splits: Any) -> Images:
    labels = np.unique([path.parent.name for path in files], return_inverse=True)[1]
    return Images([str(path) for path in files], labels.astype(np.int64), np.array(splits, str))


def embed(images: Images, base: dict[str, Any]) -> StoredBlocks:
    """The blocks' outputs of all images, in the order of their paths."""
    import tensorflow as tf

    from headstart.components.embedder.chunks import Chunk
    from headstart.components.embedder.forward import Forward
    from headstart.components.shared.base.pooling import GRIDS
    from headstart.components.transform.preprocessing import decode

    model, parts = Forward(base, 0, {}, 64, GRIDS), []
    for start in range(0, len(images.files), 64):
        some = images.files[start : start + 64]
        pixels = np.stack([decode(tf.io.read_file(path), base["image_size"]).numpy() for path in some])
        labels = images.labels[start : start + 64]
        parts.append(model.rows(Chunk(str(start), 1, some, some, labels, labels, pixels))[0])
    return StoredBlocks(Split(parts))
