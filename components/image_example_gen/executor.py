"""Reads the manifest and the images it names; writes the Examples artifact."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from components.errors import HeadstartError
from components.features import GROUP, IMAGE, LABEL, MANIFEST_COLUMNS, PATH, RANK, SPLITS
from components.groups import keys_of, together
from components.image_example_gen.images import for_graph


def rows_by_split(manifest: Path) -> dict[str, list[dict[str, str]]]:
    """The manifest's rows, a list for each of the three splits, in the manifest's order.

    The group of each row becomes the name of all that must stay together with it, copies included.
    """
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row, unit in zip(rows, together(keys_of(row["sha256"], row.get(GROUP, "")) for row in rows)):
        row[GROUP] = unit
    return {split: [row for row in rows if row["split"] == split] for split in SPLITS}


def to_example(row: dict[str, str], data: str) -> bytes:
    """One serialized `tf.train.Example` for one manifest row.

    Raises:
        HeadstartError: the image cannot be read any more.
    """
    path = Path(data) / row[PATH]
    try:
        encoded = for_graph(path.read_bytes())
    except OSError as error:
        raise HeadstartError(
            f"{path} was in the manifest but cannot be read ({error.strerror or error}): "
            "put it back, or run `dvc repro` again to prepare the manifest anew."
        ) from error
    columns = {name: value for name, value in row.items() if name not in MANIFEST_COLUMNS}
    strings = {LABEL: row[LABEL], PATH: row[PATH], GROUP: row[GROUP], **columns}
    feature = {name: _bytes(value.encode()) for name, value in strings.items()}
    feature[IMAGE] = _bytes(encoded)
    feature[RANK] = tf.train.Feature(int64_list=tf.train.Int64List(value=[int(row[RANK] or -1)]))
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


class Executor(base_beam_executor.BaseBeamExecutor):
    """The Beam graph of ImageExampleGen."""

    def Do(
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write gzipped TFRecords of examples, one folder a split."""
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        splits = rows_by_split(Path(exec_properties["manifest"]))
        data = exec_properties["data"]
        with self._make_beam_pipeline() as pipeline:
            for split, rows in splits.items():
                prefix = Path(artifact_utils.get_split_uri([examples], split)) / "data_tfrecord"
                _ = (
                    pipeline
                    | f"Rows[{split}]" >> beam.Create(rows)
                    | f"Read[{split}]" >> beam.Map(to_example, data)
                    | f"Write[{split}]" >> beam.io.WriteToTFRecord(str(prefix), file_name_suffix=".gz")
                )
