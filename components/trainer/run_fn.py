"""TFX's entry point to training."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from components.activations.store import Split, Store
from components.base import bases
from components.features import TRAIN, VALIDATION
from components.trainer import export, phases
from components.trainer.pixels import Pixels

HISTORY = "history.csv"
FIGURES = "figures.json"


def run_fn(fn_args: Any) -> None:
    """Train one classifier and export it.

    Args:
        fn_args: TFX's `FnArgs`, and the store's folder as `activations`. Its `custom_config` has the
            section `base` of params.yaml, weights resolved, and what `phases.train` takes. The SavedModel
            goes to `serving_model_dir`; the history and the figures go to `model_run_dir`.

    Raises:
        CorruptedError: the store is not what Embedder wrote.
    """
    config = fn_args.custom_config
    keras.backend.clear_session()
    base = bases.load(**config["base"])
    keras.utils.set_random_seed(config["train"]["seed"])
    tf.config.experimental.enable_op_determinism()
    transform = tft.TFTransformOutput(fn_args.transform_output)
    size, scratch = config["base"]["image_size"], Path(fn_args.model_run_dir)
    files = {TRAIN: fn_args.train_files, VALIDATION: fn_args.eval_files}
    scratch.mkdir(parents=True, exist_ok=True)

    def pixels(split: Split, name: str) -> Pixels:
        return Pixels(files[name], split.paths, size, scratch)

    normalise = bases.preprocess(config["base"]["architecture"])
    classes = export.labels(transform)
    store = Store(Path(fn_args.activations))
    model, figures, history = phases.train(base, normalise, store, pixels, len(classes), config)
    export.save(export.Served(model, normalise, transform, size), base, Path(fn_args.serving_model_dir))
    write(scratch, {"labels": classes, **figures}, history)


def write(folder: Path, figures: dict[str, Any], history: list[dict[str, Any]]) -> None:
    """Write `history.csv`, a row an epoch, and `figures.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / HISTORY).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
    (folder / FIGURES).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Read what `write` wrote: the figures, and the history with its values as text."""
    with (folder / HISTORY).open(newline="", encoding="utf-8") as file:
        history = list(csv.DictReader(file))
    return json.loads((folder / FIGURES).read_text(encoding="utf-8")), history
