"""TFX's entry point to training."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from headstart.components.shared import predictions, subsets
from headstart.components.shared.activations.store import Split, Store
from headstart.components.shared.base import bases, batchnorm
from headstart.components.shared.features import SPLITS, TEST, TRAIN
from headstart.components.shared.linear import kept
from headstart.components.shared.strategies import BY_NAME
from headstart.components.trainer import (
    export,
    fine_tune,
    frozen,
    hyperparameters,
    phases,
    progression,
    scratch,
)

HISTORY = "history.csv"
_BATCH = 64  # images


def run_fn(fn_args: Any) -> None:
    """Train one classifier, predict the test split with it, and export it where that is asked for.

    Args:
        fn_args: TFX's `FnArgs`, the decoded images' folder as `images` and the store's as `activations`. Its
            `custom_config` has `strategy`, `subset` (as `subsets.read` takes it), the section
            `base` of params.yaml, weights resolved, what `phases.train` or `scratch.train` takes, and
            `export`. That of a frozen head may have `prior`, with the `file` of a champion's head. The
            `hyperparameters` that a search has chosen go over it. The SavedModel goes to
            `serving_model_dir`; history, figures and predictions go to `model_run_dir`.
            The predictions of a cell that is exported are those of its exported model.

    Raises:
        CorruptedError: the store is not what Embedder wrote.
    """
    config = hyperparameters.overlaid(fn_args.custom_config, fn_args.hyperparameters)
    keras.backend.clear_session()
    seed, strategy = config["train"]["seed"], config["strategy"]
    from_scratch = strategy in ("scratch", "scratch_blocks")
    dense = config.get("head", {}).get("kind") == "dense"
    heads = BY_NAME[strategy].cost == "head" and not dense
    base: keras.Model | None = None  # a head alone needs no network
    if config["export"] or not heads:
        base = bases.load(**config["base"], seed=seed if from_scratch else 0)
    if from_scratch or strategy == "fine_tune":
        base = batchnorm.fused(base)
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    transform = tft.TFTransformOutput(fn_args.transform_output)
    size, out = config["base"]["image_size"], Path(fn_args.model_run_dir)
    out.mkdir(parents=True, exist_ok=True)

    normalise = bases.preprocess(config["base"]["architecture"])
    classes = export.labels(transform)
    subset = subsets.read(config["subset"])
    images: dict[str, Split] = {}
    if config["export"] or not heads:
        images = _splits(Store(Path(fn_args.images)), subset)
    trained: tuple[keras.Model | None, progression.Progression | None, dict[str, Any], np.ndarray]
    if from_scratch:
        splits = images
        trained = scratch.train(base, normalise, images, len(classes), config)
    else:
        store = Store(Path(fn_args.activations))
        splits = _splits(store, subset)
        if heads:
            prior = (
                kept.read(Path(config["prior"]["file"])).for_classes(classes) if "prior" in config else None
            )
            fixed = config.get("head", {})
            fitted, trained = frozen.train(base, splits, store, len(classes), prior, fixed)
        else:
            train = fine_tune.train if strategy == "fine_tune" else phases.train
            trained = train(base, normalise, splits, store, images, len(classes), config)
    model, progress, figures, probabilities = trained
    history = progress.history if progress else []
    figures |= {
        "strategy": strategy,
        "labels": classes,
        "labelled_images": len(splits[TRAIN]),
        "images_seen": len(splits[TRAIN]) * max(1, len(history)) * figures.get("passes", 1),
        "overfit_gap": figures["train_accuracy"] - figures["val_accuracy"],
    }
    test = splits[TEST]
    if config["export"]:
        served = export.Served(model, normalise, transform, size)
        folder = Path(fn_args.serving_model_dir)
        export.save(served, base, folder)
        if (
            heads and strategy == "frozen"
        ):  # the base was not trained, and a later head may start from this one
            kept.KeptHead(fitted, tuple(classes), kept.same_base(config["base"])).write(folder / export.EXTRA)
        (folder.parent / predictions.FIGURES).write_text(json.dumps(figures), encoding="utf-8")
        probabilities = _answers(served, images[TEST])
    predictions.write(out, test.paths, test.labels, probabilities, classes)
    write(out, figures, progression.rows(history))


def _splits(store: Store, subset: list[str]) -> dict[str, Split]:
    return {name: store.split(name, subset if name == TRAIN else None) for name in SPLITS}


def _answers(served: export.Served, images: Split) -> np.ndarray:
    """What the exported model says of a split's images, float32 [images, classes]."""
    batches = (np.arange(start, min(start + _BATCH, len(images))) for start in range(0, len(images), _BATCH))
    return np.concatenate([served.classify(images.pixels(rows)).numpy() for rows in batches])


def write(folder: Path, figures: dict[str, Any], history: list[dict[str, Any]]) -> None:
    """Write `figures.json` and, of what was trained in epochs, `history.csv` with a row each."""
    if history:
        with (folder / HISTORY).open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(history[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(history)
    (folder / predictions.FIGURES).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Read what `write` wrote: the figures, and the history with its values as text.

    A cell that failed has the figure `failure` alone; it has no history, and neither has a convex fit.
    """
    figures = json.loads((folder / predictions.FIGURES).read_text(encoding="utf-8"))
    if not (folder / HISTORY).is_file():
        return figures, []
    with (folder / HISTORY).open(newline="", encoding="utf-8") as file:
        return figures, list(csv.DictReader(file))
