"""TFX's entry point to training."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from components import predictions
from components.activations.store import Split, Store
from components.base import bases
from components.features import SPLITS, TRAIN
from components.pixels import Pixels
from components.trainer import export, phases, progression, scratch

HISTORY = "history.csv"


def run_fn(fn_args: Any) -> None:
    """Train one classifier, predict the test split with it, and export it where that is asked for.

    Args:
        fn_args: TFX's `FnArgs`, and the store's folder as `activations` and the examples' as `examples`. Its
            `custom_config` has `strategy`, `subset` (as `components.subsets.choose` takes it), the section
            `base` of params.yaml, weights resolved, what `phases.train` or `scratch.train` takes, and
            `export`. The SavedModel goes to `serving_model_dir`; history, figures and predictions go to
            `model_run_dir`.

    Raises:
        CorruptedError: the store is not what Embedder wrote.
    """
    config = fn_args.custom_config
    keras.backend.clear_session()
    seed, from_scratch = config["train"]["seed"], config["strategy"] == "scratch"
    base = bases.load(**config["base"], seed=seed if from_scratch else 0)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    transform = tft.TFTransformOutput(fn_args.transform_output)
    size, out = config["base"]["image_size"], Path(fn_args.model_run_dir)
    out.mkdir(parents=True, exist_ok=True)

    def pixels(split: Split, name: str) -> Pixels:
        return Pixels([f"{fn_args.examples}/Split-{name}/*"], split.paths, size, out)

    normalise = bases.preprocess(config["base"]["architecture"])
    classes = export.labels(transform)
    store = Store(Path(fn_args.activations))
    splits = {name: store.split(name, config["subset"] if name == TRAIN else None) for name in SPLITS}
    if from_scratch:
        trained = scratch.train(base, normalise, splits, pixels, len(classes), config)
    else:
        trained = phases.train(base, normalise, splits, store, pixels, len(classes), config)
    model, progress, figures, probabilities = trained
    figures |= {
        "strategy": config["strategy"],
        "labels": classes,
        "labelled_images": len(splits[TRAIN]),
        "images_seen": len(splits[TRAIN]) * len(progress.history) * figures.get("passes", 1),
        "overfit_gap": figures["train_accuracy"] - figures["val_accuracy"],
    }
    test = splits["test"]
    predictions.write(out, test.paths, test.labels, probabilities, classes)
    write(out, figures, progression.rows(progress.history))
    if config["export"]:
        served = Path(fn_args.serving_model_dir)
        export.save(export.Served(model, normalise, transform, size), base, served)
        (served.parent / predictions.FIGURES).write_text(json.dumps(figures), encoding="utf-8")


def write(folder: Path, figures: dict[str, Any], history: list[dict[str, Any]]) -> None:
    """Write `history.csv`, a row an epoch, and `figures.json`."""
    with (folder / HISTORY).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(history)
    (folder / predictions.FIGURES).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Read what `write` wrote: the figures, and the history with its values as text.

    A cell that failed has the figure `failure` alone, and no history.
    """
    figures = json.loads((folder / predictions.FIGURES).read_text(encoding="utf-8"))
    if not (folder / HISTORY).is_file():
        return figures, []
    with (folder / HISTORY).open(newline="", encoding="utf-8") as file:
        return figures, list(csv.DictReader(file))
