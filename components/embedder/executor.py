"""The Beam graph of Embedder: chunks of decoded images, RunInference, shards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import tensorflow as tf
from apache_beam.ml.inference.base import ModelHandler, RunInference
from tfx.dsl.components.base import base_beam_executor

from headstart.components.embedder import chunks
from headstart.components.embedder.chunks import Chunk
from headstart.components.embedder.forward import Forward
from headstart.components.shared.activations import store
from headstart.components.shared.activations.artifact import building
from headstart.components.shared.activations.shards import Rows
from headstart.components.shared.executor import Executes, Execution
from headstart.components.shared.features import TRAIN
from headstart.components.shared.subsets import order


class Embedding(ModelHandler[Chunk, tuple[str, Rows, tuple[float, float]], Forward]):
    """Runs the base on one chunk at a time; Forward splits it into batches."""

    def __init__(self, recipe: dict[str, Any]):
        super().__init__()
        self._recipe = recipe

    def load_model(self) -> Forward:
        """Build the base: once a process."""
        tf.config.experimental.enable_op_determinism()
        wanted = ("base", "depth", "augment", "chunk", "grids")
        return Forward(**{name: self._recipe[name] for name in wanted})

    def run_inference(
        self, batch: Sequence[Chunk], model: Forward, inference_args: dict[str, Any] | None = None
    ) -> Iterable[tuple[str, Rows, tuple[float, float]]]:
        """Each chunk's unit, rows, and the seconds that they took."""
        return [(chunk.unit, *model.rows(chunk)) for chunk in batch]

    def batch_elements_kwargs(self) -> dict[str, int]:
        """A chunk is a batch."""
        return {"min_batch_size": 1, "max_batch_size": 1}


def write(made: tuple[str, Rows, tuple[float, float]], folder: str) -> str:
    """Write one shard; its name."""
    return store.write(Path(folder), *made)


class Executor(Executes, base_beam_executor.BaseBeamExecutor):
    """Makes the shards that are not there yet, then publishes the store."""

    def execute(self, execution: Execution) -> None:
        """Write the Activations artifact; a run that was cut off resumes from its shards."""
        images, recipe = execution.input_folder("images"), execution.settings("recipe")
        activations = execution.output("activations")
        activations.depth, activations.views = recipe["depth"], recipe["views"]
        decoded = store.Store(images)
        wanted = _first(decoded, recipe["most"]) if recipe.get("most") else None
        planned = chunks.plan(decoded, recipe["chunk"], recipe["views"], wanted)
        made_from = execution.properties["recipe"] + str(images)
        about = {name: recipe[name] for name in ("depth", "views", "base")}
        with (
            building(activations, made_from, about) as (staging, done),
            self._make_beam_pipeline() as pipeline,
        ):
            _ = (
                pipeline
                | "Chunks" >> beam.Create([one for one in planned if one.unit not in done])
                | "Spread" >> beam.Reshuffle()  # names and numbers; the images themselves are never shuffled
                | "Read" >> beam.Map(chunks.read)
                | "Base" >> RunInference(Embedding(recipe))
                | "Write" >> beam.Map(write, str(staging))
            )


def _first(decoded: store.Store, most: dict[str, int]) -> set[str]:
    """Paths of some images of each split, with the classes in proportion; training images by their rank."""
    wanted = set()
    for name, count in most.items():
        split = decoded.split(name)
        places = order(zip(split.paths, split.labels.tolist()), name)
        if name == TRAIN:
            places = dict(zip(split.paths, split.ranks.tolist()))
        wanted |= {path for path, place in places.items() if place < count}
    return wanted
