"""Opens the stores, has heads and recipes tried on the folds, and writes what was chosen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import tensorflow_transform as tft
from rich.console import Console
from tfx.components.util import udf_utils
from tfx.dsl.components.base import base_executor

from headstart.components.shared.activations.store import Store
from headstart.components.shared.executor import Executes, Execution
from headstart.components.shared.features import TRAIN, VOCABULARY
from headstart.components.tuner import results
from headstart.components.tuner.journal import Journal
from headstart.components.tuner.search import Search

BEST = "best_hyperparameters.txt"  # TFX's name


class Executor(Executes, base_executor.BaseExecutor):
    """The search.

    Its `settings`: `bases`, the section `base` of each store's recipe by its name; `manifest` and `digest` of
    the file that has the folds; `by_time`, whether folds go forward in time; `tune`, the section of
    params.yaml; `trained`, by strategy (fine_tune, scratch) the `sections` that its trainings read and the
    `space`, values by setting, the `default` and how many `recipes` to try; `journal`, the folder of the
    trials; `code`, a digest for TFX's cache.
    """

    def execute(self, execution: Execution) -> None:
        """Write `best_hyperparameters.txt` and `tuner_results.json`."""
        settings = execution.settings("settings")
        words = tft.TFTransformOutput(str(execution.input_folder("transform_graph"))).vocabulary_by_name(
            VOCABULARY
        )
        stores = [Store(Path(artifact.uri)) for artifact in execution.inputs["activations"]]
        images = [Store(Path(artifact.uri)) for artifact in execution.inputs["images"]]
        search = Search(
            settings=settings,
            labels=[word.decode() for word in words],
            stores={name: _of(section, stores) for name, section in settings["bases"].items()},
            images={_size(store): store for store in images},
            trial_fn=udf_utils.get_fn(execution.properties, "trial_fn"),
            journal=Journal(_journal(execution, settings)),
            console=Console(),
        )
        found = search.run()
        results.write(execution.output_folder("tuner_results"), found)
        hyperparameters = keras_tuner.HyperParameters()
        for name, value in found.hyperparameters.items():
            hyperparameters.Fixed(name, value)
        content = json.dumps(hyperparameters.get_config()) + "\n"
        (execution.output_folder("best_hyperparameters") / BEST).write_text(content, encoding="utf-8")


def _of(section: dict[str, Any], stores: list[Store]) -> Store:
    """The store of a base: TFX promises no order among several artifacts of one input."""
    return next(store for store in stores if store.about["base"] == section)


def _size(images: Store) -> int:
    """Side of the decoded images, pixels."""
    return int(images.split(TRAIN).pixels(np.arange(1)).shape[1])


def _journal(execution: Execution, settings: dict[str, Any]) -> Path:
    """The folder of the trials on these images and stores, whatever budget, grids and objective."""
    about = {name: settings[name] for name in ("bases", "digest", "by_time", "code")}
    about["sections"] = {name: trained["sections"] for name, trained in settings["trained"].items()}
    stores = sorted(one.uri for name in ("images", "activations") for one in execution.inputs[name])
    key = hashlib.sha256(json.dumps([about, stores], sort_keys=True).encode()).hexdigest()[:16]
    return Path(settings["journal"]) / key
