"""The Beam graph of Embedder: chunks of decoded images, RunInference, shards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import tensorflow as tf
from apache_beam.ml.inference.base import ModelHandler, RunInference
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from components.activations import store
from components.activations.shards import Rows
from components.embedder import chunks
from components.embedder.chunks import Chunk
from components.embedder.forward import Forward
from components.features import SPLITS, TRAIN
from components.subsets import order


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


class Executor(base_beam_executor.BaseBeamExecutor):
    """Makes the shards that are not there yet, then publishes the store."""

    def Do(
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the Activations artifact; a run that was cut off goes on from its shards."""
        images = artifact_utils.get_single_uri(input_dict["images"])
        made = artifact_utils.get_single_instance(output_dict["activations"])
        recipe = json.loads(exec_properties["recipe"])
        key = hashlib.sha256((exec_properties["recipe"] + images).encode()).hexdigest()[:16]
        staging, done = store.begin(Path(made.uri), key)
        decoded = store.Store(Path(images))
        wanted = _first(decoded, recipe["most"]) if recipe.get("most") else None
        planned = chunks.plan(decoded, recipe["chunk"], recipe["views"], wanted)
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Chunks" >> beam.Create([one for one in planned if one.unit not in done])
                | "Spread" >> beam.Reshuffle()  # names and numbers; the images themselves are never shuffled
                | "Read" >> beam.Map(chunks.read)
                | "Base" >> RunInference(Embedding(recipe))
                | "Write" >> beam.Map(write, str(staging))
            )
        about = {"key": key, "depth": recipe["depth"], "views": recipe["views"], "base": recipe["base"]}
        index = store.publish(staging, Path(made.uri), about)
        made.split_names = artifact_utils.encode_split_names(list(SPLITS))
        made.depth, made.views, made.bytes = recipe["depth"], recipe["views"], index["bytes"]


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
