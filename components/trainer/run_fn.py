"""TFX's entry point to training."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from components.trainer import bases, export, phases
from components.trainer.records import Records

HISTORY = "history.csv"
FIGURES = "figures.json"


def run_fn(fn_args: Any) -> None:
    """Train one classifier and export it.

    Args:
        fn_args: TFX's `FnArgs`. Its `custom_config` has the sections `base`, `head`, `augment`,
            `frozen`, `fine_tune`, `train` of params.yaml, and `images`, how many training images the
            subset holds. The SavedModel goes to `serving_model_dir`; the history and the figures go to
            `model_run_dir`.
    """
    config = fn_args.custom_config
    keras.backend.clear_session()
    keras.utils.set_random_seed(config["train"]["seed"])
    tf.config.experimental.enable_op_determinism()
    transform = tft.TFTransformOutput(fn_args.transform_output)
    size = config["base"]["image_size"]
    records = {
        "train": Records(fn_args.train_files, size, config["images"]),
        "validation": Records(fn_args.eval_files, size),
    }
    base = bases.load(**config["base"])
    normalise = bases.preprocess(config["base"]["architecture"])
    classes = export.labels(transform)
    model, figures, history = phases.train(base, normalise, records, len(classes), config)
    export.save(export.Served(model, normalise, transform, size), base, Path(fn_args.serving_model_dir))
    write(Path(fn_args.model_run_dir), {"labels": classes, **figures}, history)


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
