"""What stored views buy and cost: trains from the stores of a project, several seeds each.

Run in a project folder, after `dvc repro` with each `augment.views` that is to be compared:

    python -m benchmarks.views --seeds 3
"""

from __future__ import annotations

from statistics import mean
from typing import Annotated

import keras
import typer
from rich.console import Console
from rich.table import Table

from headstart.components.shared.activations.store import Store
from headstart.components.shared.base import bases
from headstart.components.shared.features import SPLITS, TEST
from headstart.components.trainer import phases
from headstart.pipeline.config import file as config
from headstart.pipeline.project import LETTERS, WORK


def main(seeds: Annotated[int, typer.Option(help="Runs from each store.")] = 3) -> None:
    """Print accuracy on the test split, seconds and bytes by number of views."""
    params = config.load()
    table = Table(title=f"{params.dataset}, {params.base.architecture} at {params.base.image_size} px")
    columns = (
        "views",
        "blocks",
        "store",
        "embedding",
        "training",
        "validation loss",
        "test accuracy (range)",
    )
    for column in columns:
        table.add_column(column, justify="right")
    for index in sorted((WORK / "tfx" / "Embedder.cut" / "activations").glob("*/index.json")):
        store = Store(index.parent)
        runs = [_train(store, params, seed) for seed in range(seeds)]
        seconds, losses, accuracies = zip(*runs)
        table.add_row(
            str(store.about["views"] - 1),
            str(store.about["depth"]),
            f"{store.about['bytes'] / 1e6:.0f} MB",
            f"{store.about['seconds']:.1f} s",
            f"{mean(seconds):.1f} s",
            f"{mean(losses):.3f}",
            f"{mean(accuracies):.3f} ({min(accuracies):.3f}–{max(accuracies):.3f})",
        )
    Console(width=110).print(table)


def _train(store: Store, params: config.Config, seed: int) -> tuple[float, float, float]:
    """One run: seconds without the embedding, validation loss, accuracy on the stored test split."""
    named = {"letters": str(LETTERS)}.get(params.base.weights, params.base.weights)
    base = bases.load(**{**params.base.model_dump(), "weights": named})
    depth = store.about["depth"]
    settings = {
        **{name: getattr(params, name).model_dump() for name in ("head", "augment", "frozen")},
        "textbook": {**params.textbook.model_dump(), "unfreeze_depth": depth},
        "strategy": "textbook",
        "train": {**params.train.model_dump(), "seed": seed},
        "pixels": False,
    }
    splits = {name: store.split(name) for name in SPLITS}
    labels = splits[TEST].labels
    keras.utils.set_random_seed(seed)
    normalise = bases.preprocess(params.base.architecture)
    classes = int(labels.max()) + 1
    *_, figures, answers = phases.train(base, normalise, splits, store, {}, classes, settings)
    accuracy = float((answers.argmax(axis=1) == labels).mean())
    return figures["train_seconds"] - figures["embed_seconds"], figures["val_loss"], accuracy


if __name__ == "__main__":
    typer.run(main)
