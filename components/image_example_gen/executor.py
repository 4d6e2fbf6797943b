"""Reads the manifest and the images it names; writes the Examples artifact."""

from __future__ import annotations

import csv
import json
import uuid
from pathlib import Path
from typing import NamedTuple

import apache_beam as beam
import tensorflow as tf
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from headstart.components.image_example_gen.images import for_graph
from headstart.components.image_example_gen.opener import UnusableError
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.executor import Executes, Execution
from headstart.components.shared.features import GROUP, IMAGE, LABEL, MANIFEST_COLUMNS, PATH, RANK, SPLITS
from headstart.components.shared.files import leads_outside, replacing
from headstart.components.shared.groups import keys_of, together

IMAGES = 256  # of a file


def rows_by_split(manifest: Path) -> dict[str, list[dict[str, str]]]:
    """The manifest's rows, a list for each of the three splits, in the manifest's order.

    The group of each row becomes the name of all that must stay together with it, copies included.
    """
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row, unit in zip(rows, together(keys_of(row["sha256"], row.get(GROUP, "")) for row in rows)):
        row[GROUP] = unit
    return {split: [row for row in rows if row["split"] == split] for split in SPLITS}


class File(NamedTuple):
    """One file of examples, and the manifest rows that it is made of."""

    path: Path
    rows: str  # JSON: Beam holds several copies, and text takes about a quarter of the memory of dictionaries


def files_of(rows: list[dict[str, str]], folder: Path) -> list[File]:
    """Spread the rows of a split over files, in order; a split without images is one empty file."""
    parts = [rows[start : start + IMAGES] for start in range(0, len(rows), IMAGES)] or [[]]
    names = (f"data_tfrecord-{number:05}-of-{len(parts):05}" for number in range(len(parts)))
    return [File(folder / name, json.dumps(part)) for name, part in zip(names, parts)]


def write(file: File, data: str) -> None:
    """Write one file of examples.

    Args:
        file: what to write.
        data: folder that the rows' paths are relative to.
    """
    attempt = uuid.uuid4().hex  # another one may be under way
    with replacing(file.path, attempt) as fresh, tf.io.TFRecordWriter(str(fresh)) as writer:
        for row in json.loads(file.rows):
            writer.write(to_example(row, data))


def to_example(row: dict[str, str], data: str) -> bytes:
    """One serialized `tf.train.Example` for one manifest row.

    Raises:
        HeadstartError: the image cannot be read any more, or its path leaves the folder.
    """
    path = Path(data) / row[PATH]
    if leads_outside(row[PATH]):
        raise HeadstartError(f"The manifest's path '{row[PATH]}' leaves {data}: run `dvc repro` again.")
    try:
        encoded = for_graph(path.read_bytes())
    except (OSError, UnusableError) as error:
        raise HeadstartError(
            f"{path} was in the manifest but cannot be read ({getattr(error, 'strerror', error)}): "
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


class Executor(Executes, base_beam_executor.BaseBeamExecutor):
    """The Beam graph of ImageExampleGen."""

    def execute(self, execution: Execution) -> None:
        """Write TFRecords of examples, one folder a split.

        They are not compressed: the images in them are. What a file holds follows from the manifest alone.
        """
        examples = execution.output("examples")
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
        files = [
            file
            for split, rows in rows_by_split(Path(execution.properties["manifest"])).items()
            for file in files_of(rows, Path(artifact_utils.get_split_uri([examples], split)))
        ]
        for file in files:
            file.path.parent.mkdir(parents=True, exist_ok=True)
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Files" >> beam.Create(files)
                | "Spread" >> beam.Reshuffle()  # names; the images themselves are never shuffled
                | "Write" >> beam.Map(write, execution.properties["data"])
            )
