"""headstart's own way, and a logistic regression, on the same files: decode once, embed once, train."""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from benchmarks.measure import Measured
from headstart.components.embedder.chunks import Chunk
from headstart.components.embedder.forward import Forward
from headstart.components.shared.activations import shards, store
from headstart.components.shared.activations.plan import plan_cut, plan_pooled
from headstart.components.shared.base import bases
from headstart.components.shared.base.cuts import suffix
from headstart.components.shared.base.pooling import GRIDS
from headstart.components.shared.features import SPLITS, TEST, TRAIN, VALIDATION
from headstart.components.trainer import frozen, phases
from headstart.components.trainer.model import join
from headstart.components.transform.preprocessing import decode

AUGMENT = {"flip": True, "shift": 0.05, "zoom": 0.1, "contrast": 0.2}


@dataclass(frozen=True)
class Contender:
    """What a contender trains; epochs are the most, validation stops it sooner."""

    strategy: str  # blocks: a head that sees several of them; textbook; frozen: a dense head; probe
    views: int = 0
    depth: int = 0  # blocks; 7 are the textbook's layer 100
    frozen: dict[str, Any] = field(
        default_factory=lambda: {"epochs": 200, "learning_rate": 1e-3, "patience": 12}
    )
    textbook: dict[str, Any] = field(
        default_factory=lambda: {"epochs": 15, "learning_rate": 1e-5, "patience": 4}
    )


FIVE = {"epochs": 5, "patience": 5}
CONTENDERS = {
    "blocks": Contender("blocks"),
    "dense": Contender("frozen"),
    "equal": Contender("textbook", 0, 7, FIVE | {"learning_rate": 1e-3}, FIVE | {"learning_rate": 1e-5}),
    "short": Contender("textbook", 0, 2, textbook={"epochs": 3, "learning_rate": 1e-5, "patience": 3}),
    "probe": Contender("probe"),
}


def run(contender: Contender, data: Path, weights: Path, size: int, seed: int) -> Measured:
    """Decode, embed, train one contender; the other arguments are the textbook's."""
    section = {"architecture": "MobileNetV2", "weights": str(weights), "image_size": size, "options": {}}
    normalise = bases.preprocess("MobileNetV2")
    started = time.perf_counter()
    files = {name: _files(data, name) for name in SPLITS}
    labels = {name: _labels(data, found) for name, found in files.items()}
    base = bases.load(**section)
    with tempfile.TemporaryDirectory() as folder:
        opened = _embed(contender, section, base, files, labels, Path(folder))
        parts = {"embed": time.perf_counter() - started}
        if contender.strategy == "probe":
            probe = _probe(opened)
            seconds = time.perf_counter() - started
            paths = files[TEST]
            seen = Chunk(TEST, 1, paths, paths, labels[TEST], labels[TEST], _pixels(paths, size))
            answers = probe.predict_proba(Forward(section, 0, {}).rows(seen)[0].embeddings[:, 0])
        else:
            keras.utils.set_random_seed(seed)
            classes = int(labels[TRAIN].max()) + 1
            validation = opened.split(VALIDATION)
            splits = {TRAIN: opened.split(TRAIN), VALIDATION: validation, TEST: validation}
            if contender.strategy == "blocks":
                _, (model, _, figures, _) = frozen.train(base, splits, opened, classes)
                seconds = time.perf_counter() - started
                parts["choice"] = figures["tuning_seconds"]
            else:
                trained = phases.train(base, normalise, splits, opened, {}, classes, _config(contender, seed))
                seconds = time.perf_counter() - started
                model, progression = trained[:2]
                parts["to_best"] = seconds - progression.history[-1].elapsed + progression.seconds_to_best
                parts["difference"] = _difference(model, base, normalise, opened, contender.depth, size)
            answers = _answers(model, normalise, _pixels(files[TEST], size))
    accuracy = float((answers.argmax(axis=1) == labels[TEST]).mean())
    return Measured(seconds, accuracy, len(answers), parts)


def _config(contender: Contender, seed: int) -> dict[str, Any]:
    return {
        "head": {"units": 128, "dropout": 0.3},
        "augment": {"views": contender.views, **AUGMENT},
        "frozen": contender.frozen,
        "textbook": {**contender.textbook, "unfreeze_depth": contender.depth},
        "strategy": contender.strategy,
        "train": {
            "seed": seed,
            "batch_size": 32,
            "patience_steps": 100,
            "precision": "float32",
        },
        "pixels": False,
    }


def _files(data: Path, split: str) -> list[str]:
    return [str(path) for path in sorted((data / split).glob("*/*"))]


def _labels(data: Path, files: list[str]) -> np.ndarray:
    """Numbers of the classes, int64, in the order of their names."""
    classes = sorted(path.name for path in (data / TRAIN).iterdir() if path.is_dir())
    return np.array([classes.index(Path(path).parent.name) for path in files], np.int64)


def _pixels(files: list[str], size: int) -> np.ndarray:
    """Decoded images, uint8 [images, size, size, 3]."""
    dataset = tf.data.Dataset.from_tensor_slices(files)
    dataset = dataset.map(lambda path: decode(tf.io.read_file(path), size), tf.data.AUTOTUNE)
    return np.stack(list(dataset.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()))


def _embed(
    contender: Contender,
    section: dict[str, Any],
    base: keras.Model,
    files: dict[str, list[str]],
    labels: dict[str, np.ndarray],
    folder: Path,
) -> store.Store:
    """What Embedder does, without Beam: the training and the validation split into a store."""
    made, staging = folder / "1", store.unfinished(folder / "1", "bench")
    made.mkdir()
    staging.mkdir()
    counts = {split: len(found) for split, found in files.items()}
    grids = GRIDS if contender.strategy == "blocks" else ()
    if grids:
        chunk = plan_pooled(base, sum(counts.values()), grids, budget=1e12).chunk
    else:
        chunk = plan_cut(base, counts, contender.depth, contender.views, budget=1e12).chunk
    model = Forward(section, contender.depth, AUGMENT, chunk, grids)
    for split, views in ((TRAIN, 1 + contender.views), (VALIDATION, 1)):
        for start in range(0, counts[split], chunk):
            at = slice(start, start + chunk)
            ranks = np.arange(counts[split])[at]
            pixels = _pixels(files[split][at], section["image_size"])
            paths = files[split][at]
            seen = Chunk(f"{split}-{start:06}", views, paths, paths, labels[split][at], ranks, pixels)
            rows, seconds = model.rows(seen)
            (staging / f"{seen.unit}.seconds").write_text(" ".join(map(str, seconds)), encoding="utf-8")
            shards.write(staging, seen.unit, rows)
    store.publish(staging, made, {"key": "bench", "depth": contender.depth, "views": 1 + contender.views})
    return store.Store(made)


def _probe(opened: store.Store) -> LogisticRegression:
    """Logistic regression on the embeddings; the validation split chooses its C."""
    values = {}
    for name in (TRAIN, VALIDATION):
        split = opened.split(name)
        values[name] = split.embeddings(np.arange(len(split)), np.zeros(len(split), int)), split.labels
    fitted = [LogisticRegression(C=c, max_iter=1000).fit(*values[TRAIN]) for c in (0.01, 0.1, 1.0)]
    return max(fitted, key=lambda one: one.score(*values[VALIDATION]))


def _answers(model: keras.Model, normalise: Any, pixels: np.ndarray) -> np.ndarray:
    batches = tf.data.Dataset.from_tensor_slices(pixels).batch(64)
    return model.predict(batches.map(lambda batch: normalise(tf.cast(batch, tf.float32))), verbose=0)


def _difference(
    model: keras.Model, base: keras.Model, normalise: Any, opened: store.Store, depth: int, size: int
) -> float:
    """Largest difference in probability, over 500 images, between the whole model and store plus suffix."""
    split = opened.split(TRAIN)
    rows = np.linspace(0, len(split) - 1, 500).astype(int)
    views = np.zeros(len(rows), int)
    head = model.get_layer("head")
    if depth:
        activations = split.activations(rows, views)
        stored = join(suffix(base, depth), head).predict(activations, verbose=0)
    else:
        stored = head.predict(split.embeddings(rows, views), verbose=0)
    whole = _answers(model, normalise, _pixels([split.paths[row] for row in rows], size))
    return float(np.abs(whole - stored).max())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contender", choices=CONTENDERS, required=True)
    Measured.main(
        parser,
        lambda given: run(CONTENDERS[given.contender], given.data, given.weights, given.size, given.seed),
    )
