"""The Beam graph of Decoder: files of examples, chunks of images, shards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.utils.shared import Shared
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from headstart.components.shared.activations import shards, store
from headstart.components.shared.activations.artifact import building
from headstart.components.shared.activations.shards import Rows
from headstart.components.shared.executor import Executes, Execution
from headstart.components.shared.features import GROUP, LABEL_INDEX, PATH, PIXELS, RANK, SPLITS

_BATCH = 16  # images that are read and decoded at a time: photos can be large


class Decode(beam.DoFn):
    """Reads one file of examples in order and writes the shards that are not there yet."""

    def __init__(self, graph: str, size: int, staging: str, done: set[str]):
        """Keep what `process` needs.

        Args:
            graph: folder of the transform graph.
            size: side of the images, pixels.
            staging: where the shards go.
            done: units that have a shard.
        """
        self._graph = graph
        self._size = size
        self._chunk = shards.images_of(size * size * 3)
        self._staging = staging
        self._done = done
        self._loaded = Shared()

    def setup(self) -> None:
        """Load the transform graph: once a process, which takes seconds."""
        self._apply = self._loaded.acquire(self._load)

    def _load(self) -> Any:
        transform = tft.TFTransformOutput(self._graph)
        layer, raw = transform.transform_features_layer(), transform.raw_feature_spec()

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
        def apply(records: tf.Tensor) -> dict[str, tf.Tensor]:
            rows = layer(tf.io.parse_example(records, raw))
            pixels = tf.reshape(tf.io.decode_raw(rows[PIXELS], tf.uint8), [-1, self._size, self._size, 3])
            return {**rows, PIXELS: pixels}

        apply.get_concrete_function()
        return apply

    def process(self, file: tuple[str, int, str]) -> Iterator[str]:
        """Split, number among the split's files, path of a file; the names of the shards it becomes."""
        split, number, path = file
        for index, records in enumerate(tf.data.TFRecordDataset(path).window(self._chunk)):
            unit = f"{split}-{number:05}-{index:06}"
            if unit not in self._done:
                began, cpu = time.perf_counter(), time.process_time()
                rows = self._rows(records)
                seconds = time.perf_counter() - began, time.process_time() - cpu
                yield store.write(Path(self._staging), unit, rows, seconds)

    def _rows(self, records: tf.data.Dataset) -> Rows:
        decoded = [self._apply(batch) for batch in records.batch(_BATCH)]
        columns = {name: np.concatenate([batch[name] for batch in decoded]) for name in decoded[0]}
        paths, groups = ([text.decode() for text in columns[name]] for name in (PATH, GROUP))
        labels, ranks = (columns[name].astype(np.int64) for name in (LABEL_INDEX, RANK))
        return Rows(paths, groups, labels, ranks, pixels=columns[PIXELS])


class Executor(Executes, base_beam_executor.BaseBeamExecutor):
    """Makes the shards that are not there yet, then publishes the store."""

    def execute(self, execution: Execution) -> None:
        """Write the DecodedImages artifact; a run that was cut off resumes from its shards."""
        examples, recipe = execution.input("examples"), execution.settings("recipe")
        graph = str(execution.input_folder("transform_graph"))
        files = [
            (split, number, path)
            for split in SPLITS
            for number, path in enumerate(
                sorted(tf.io.gfile.glob(f"{artifact_utils.get_split_uri([examples], split)}/*"))
            )
        ]
        made_from = execution.properties["recipe"] + examples.uri + graph
        with (
            building(execution.output("images"), made_from, {}) as (staging, done),
            self._make_beam_pipeline() as pipeline,
        ):
            _ = (
                pipeline
                | "Files" >> beam.Create(files)
                | "Spread" >> beam.Reshuffle()  # file names; the images themselves are never shuffled
                | "Decode" >> beam.ParDo(Decode(graph, recipe["image_size"], str(staging), done))
            )
