"""Opens the stores, predicts out of fold with each, writes predictions and figures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_transform as tft
from tfx.dsl.components.base import base_executor

from headstart.components.cross_validation import figures, out_of_fold
from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.activations.store import Split, Store
from headstart.components.shared.executor import Executes, Execution
from headstart.components.shared.features import TRAIN, VOCABULARY
from headstart.components.shared.linear import folds
from headstart.components.shared.linear.features import Candidate, candidates

# Of so many images the standard error of an accuracy of 90 % is 0.7 points. Seconds grow with the square.
_MOST = 2000
Heads = Sequence[tuple[Candidate, float]]
_SEED = 0  # of the sample, and of the inner folds: those of the strategy frozen


class Executor(Executes, base_executor.BaseExecutor):
    """Cross-validates the strategy frozen on the training images; no other split is read."""

    def execute(self, execution: Execution) -> None:
        """Write the OutOfFold artifact; where no fold can be made, without any row."""
        started = time.perf_counter()
        settings = execution.settings("settings")
        transform = tft.TFTransformOutput(str(execution.input_folder("transform_graph")))
        names = [name.decode() for name in transform.vocabulary_by_name(VOCABULARY)]
        store = Store(execution.input_folder("activations"))
        whole = store.split(TRAIN)
        rows = folds.sample(np.arange(len(whole)), np.array(whole.groups), _MOST, _SEED)
        split = store.split(TRAIN, [whole.paths[row] for row in rows])
        labels, groups = split.labels, np.array(split.groups)
        made = folds.read(Path(settings["manifest"]), split.paths, settings["by_time"])

        def predict(images: Split, heads: Heads = ()) -> out_of_fold.OutOfFold:
            features = StoredBlocks(images)
            balanced = fixed.get("balanced", False)
            return out_of_fold.predict(features, labels, groups, made, len(names), _SEED, heads, balanced)

        fixed = settings["head"]
        found, random = predict(split, _fixed(StoredBlocks(split), fixed, len(made.training))), None
        if execution.has("random"):
            other = Store(execution.input_folder("random"))
            held = other.split(TRAIN)
            if held.pooled and set(split.paths) <= set(held.paths):  # it may be a sample without blocks
                random = predict(other.split(TRAIN, split.paths), found.heads)
        content = {
            **figures.figures(labels, made, found, random),
            "images": len(split),
            "training_images": len(whole),
            "by_time": settings["by_time"],
            "seconds": time.perf_counter() - started,
        }
        figures.write(
            execution.output_folder("predictions"), split.paths, labels, split.groups, names, found, content
        )


def _fixed(features: StoredBlocks, fixed: dict[str, Any], folds: int) -> Heads:
    """The head that a search has fixed, for each fold; empty where none is, or the store does not hold it."""
    found = [
        one
        for one in candidates(features)
        if (one.name, one.grid) == (fixed.get("blocks"), fixed.get("grid"))
    ]
    return [(found[0], fixed["penalty"])] * folds if found else ()
