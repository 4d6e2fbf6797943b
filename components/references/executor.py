"""Every reference on every cell: choose the images, fit, keep the answers."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_transform as tft
from absl import logging
from tfx.dsl.components.base import base_executor

from headstart.components.references import classifiers, images
from headstart.components.references.images import Images
from headstart.components.shared import predictions, subsets
from headstart.components.shared.activations.store import Store
from headstart.components.shared.executor import Executes, Execution
from headstart.components.shared.features import SPLITS, TEST, TRAIN, VALIDATION, VOCABULARY

_SIDE = 32  # pixels: what the classifiers on pixels see of larger images
_LOGISTIC_MOST, _SVM_MOST = 10_000, 5_000  # training images: references have to stay cheap


class Executor(Executes, base_executor.BaseExecutor):
    """Writes a folder a cell; a reference that fails says so in its own folder."""

    def execute(self, execution: Execution) -> None:
        """Write the Predictions artifact."""
        settings = execution.settings("settings")
        decoded = Store(execution.input_folder("images"))
        transform = tft.TFTransformOutput(str(execution.input_folder("transform_graph")))
        names = [name.decode() for name in transform.vocabulary_by_name(VOCABULARY)]
        splits = {name: images.read(decoded.split(name), _SIDE) for name in SPLITS}
        folder = execution.output_folder("predictions")
        found = [_Reference("pixels_logistic", classifiers.logistic, _LOGISTIC_MOST, _pixels(splits))]
        found.append(_Reference("pixels_svm", classifiers.svm, _SVM_MOST, _pixels(splits)))
        for name, channel in (("embeddings", "activations"), ("random_embeddings", "random")):
            if execution.has(channel):
                store = Store(execution.input_folder(channel))
                take = _embeddings(store, splits)
                spent = (store.seconds_per_view, store.cpu_seconds_per_view)
                found.append(
                    _Reference(f"{name}_logistic", classifiers.logistic, _LOGISTIC_MOST, take, spent)
                )
        for reference in found:
            for cell in settings["cells"]:
                _run(reference, cell, splits, names, folder / folder_name(reference.name, cell))


def folder_name(reference: str, cell: dict[str, Any]) -> str:
    """`<reference>.<subset>.<draw>`."""
    return f"{reference}.{cell['key']}"


Take = Callable[[str, np.ndarray], np.ndarray]  # split and rows to float32 [rows, features]


@dataclass(frozen=True)
class _Reference:
    name: str
    fit: Callable[..., classifiers.Fitted]
    most: int  # training images
    take: Take
    spent: tuple[float, float] = (0.0, 0.0)  # by the Embedder on one image: wall and CPU seconds


def _pixels(splits: dict[str, Images]) -> Take:
    return lambda split, rows: splits[split].pixels[rows].reshape(len(rows), -1).astype(np.float32)


def _embeddings(store: Store, splits: dict[str, Images]) -> Take:
    """The embeddings of the images themselves, view 0.

    Raises:
        ValueError: the store is of other images.
    """
    opened = {split: store.split(split) for split in SPLITS}
    for split, rows in opened.items():
        if rows.paths != splits[split].paths:
            raise ValueError(f"the {split} images of the store are others than those of the examples")
    return lambda split, rows: opened[split].embeddings(rows, np.zeros(len(rows), int))


def _run(
    reference: _Reference, cell: dict[str, Any], splits: dict[str, Images], names: list[str], folder: Path
) -> None:
    """One cell. Whatever goes wrong is its own failure: the others go on."""
    training, test = splits[TRAIN], splits[TEST]
    subset = subsets.read(cell)
    figures = {"strategy": reference.name, **cell, "labelled_images": len(subset), "labels": names}
    figures["began"] = time.time()
    folder.mkdir(parents=True)
    try:
        used = np.isin(training.paths, subset[: reference.most])
        fitted = _fit(reference, np.flatnonzero(used), splits, len(names))
        embedded = int(used.sum()) + len(splits[VALIDATION].paths)
        seconds, cpu_seconds = (one * embedded for one in reference.spent)
        figures |= fitted.figures | {"images_used": int(used.sum()), "embed_seconds": seconds}
        figures["train_seconds"] += seconds
        figures["seconds_to_best"] += seconds
        figures["cpu_seconds"] += cpu_seconds
        predictions.write(folder, test.paths, test.labels, fitted.scores, names)
    except Exception as error:
        logging.warning("%s", traceback.format_exc())
        figures["failure"] = f"{reference.name} on {len(subset)} images failed: {_told(error)}."
    figures["ended"] = time.time()
    (folder / predictions.FIGURES).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _fit(
    reference: _Reference, used: np.ndarray, splits: dict[str, Images], classes: int
) -> classifiers.Fitted:
    """The labels of the test split stay here: nothing is chosen by them."""
    rows = {split: np.arange(len(splits[split].paths)) for split in (VALIDATION, TEST)}
    return reference.fit(
        (reference.take(TRAIN, used), splits[TRAIN].labels[used]),
        (reference.take(VALIDATION, rows[VALIDATION]), splits[VALIDATION].labels),
        reference.take(TEST, rows[TEST]),
        classes,
    )


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip(": .").replace("\n", " ")
