"""Decoder's Beam graph: encoded images to pixels by row, the same store however it came about."""

import io
import os
import shutil

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform.beam as tft_beam
from PIL import Image
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from headstart.components.decoder import executor
from headstart.components.decoder.executor import Executor
from headstart.components.image_example_gen.executor import files_of, write
from headstart.components.shared.activations import store
from headstart.components.shared.activations.artifact import DecodedImages
from headstart.components.shared.activations.store import Store
from headstart.components.shared.features import SPLITS
from headstart.components.transform.preprocessing import decode, preprocessing_fn

pytestmark = pytest.mark.slow

SPEC = {name: tf.io.FixedLenFeature([], tf.string) for name in ("image", "label", "path", "group")}
SPEC["rank"] = tf.io.FixedLenFeature([], tf.int64)


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Encoded images, 30 for training and 4 for either other split; the graph; the examples' artifact."""
    folder = tmp_path_factory.mktemp("encoded")
    rng = np.random.default_rng(0)
    rows = {split: [] for split in SPLITS}
    for number in range(38):
        split = SPLITS[(number > 29) + (number > 33)]
        pixels = rng.integers(0, 256, (20 + number, 24, 3), dtype=np.uint8)
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, "JPEG" if number % 2 else "PNG")
        (folder / f"{number}").write_bytes(encoded.getvalue())
        rank = str(number) if split == "train" else ""
        row = {"path": f"{number}", "label": "ab"[number % 2], "split": split, "rank": rank, "group": ""}
        rows[split].append({**row, "sha256": ""})
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "examples")
    examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
    for split, found in rows.items():
        for file in files_of(found, folder / "examples" / f"Split-{split}"):
            file.path.parent.mkdir(parents=True)
            write(file, str(folder))
    metadata = dataset_metadata.DatasetMetadata(schema_utils.schema_from_feature_spec(SPEC))
    labels = [{"image": b"", "label": c.encode(), "path": b"", "group": b"", "rank": 0} for c in "aab"]
    with beam.Pipeline() as pipeline, tft_beam.Context(temp_dir=str(folder / "temp")):
        analysed = (pipeline | beam.Create(labels), metadata) | tft_beam.AnalyzeDataset(
            lambda inputs: preprocessing_fn(inputs, {"image_size": 8})
        )
        _ = analysed | tft_beam.WriteTransformFn(str(folder / "graph"))
    metadata_io.write_metadata(metadata, str(folder / "graph" / "metadata"))
    graph = standard_artifacts.TransformGraph()
    graph.uri = str(folder / "graph")
    return folder, graph, examples


PRISM = os.environ.get("HEADSTART_PRISM") or shutil.which("prism")


def _decode(given, folder, *beam_args):
    made = DecodedImages()
    made.uri = str(folder)
    folder.mkdir(parents=True)
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(beam_args), tmp_dir=str(folder.parent), unique_id="1"
    )
    inputs = {"examples": [given[2]], "transform_graph": [given[1]]}
    Executor(context).Do(inputs, {"images": [made]}, {"recipe": '{"image_size": 8}'})
    return made


@pytest.fixture
def shards_of_four(monkeypatch):
    monkeypatch.setattr(executor.shards, "_SHARD", 4 * 8 * 8 * 3)
    monkeypatch.setattr(executor, "_BATCH", 3)


def test_every_image_is_decoded_as_the_served_model_will_decode_it(given, tmp_path, shards_of_four):
    made = _decode(given, tmp_path / "1")
    opened = Store(tmp_path / "1")
    splits = {name: opened.split(name) for name in SPLITS}
    assert [len(split) for split in splits.values()] == [30, 4, 4]
    for split in splits.values():
        encoded = [(given[0] / path).read_bytes() for path in split.paths]
        expected = [decode(tf.constant(one), 8).numpy() for one in encoded]
        np.testing.assert_array_equal(split.pixels(np.arange(len(split))), expected)
        assert split.labels.tolist() == [int(path) % 2 for path in split.paths]
    assert splits["train"].ranks.tolist() == [int(path) for path in splits["train"].paths]
    assert sum(map(len, opened.parts.values())) == 8 + 1 + 1
    assert made.bytes == opened.about["bytes"] > 0


def test_cut_off_midway_the_next_run_goes_on_and_other_workers_make_the_same(
    given, tmp_path, shards_of_four, monkeypatch
):
    _decode(given, tmp_path / "whole" / "1")
    written, write_shard = [], store.write

    def dying(staging, unit, rows, seconds):
        if len(written) == 5:
            raise KeyboardInterrupt("cut off")
        written.append(unit)
        return write_shard(staging, unit, rows, seconds)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", dying)
        with pytest.raises(BaseException, match="cut off"):
            _decode(given, tmp_path / "1", "--direct_running_mode=in_memory")
    (staging,) = tmp_path.glob("unfinished-*")
    kept = {path.name: path.stat().st_mtime_ns for path in staging.glob("*.arrow")}
    assert len(kept) == 5
    _decode(given, tmp_path / "2", "--direct_running_mode=multi_processing", "--direct_num_workers=2")
    assert {name: (tmp_path / "2" / name).stat().st_mtime_ns for name in kept} == kept
    whole = Store(tmp_path / "whole" / "1").about["shards"]
    assert Store(tmp_path / "2").about["shards"] == whole


@pytest.mark.skipif(not PRISM, reason="Beam's portable runner is not installed")
def test_prism_makes_the_same(given, tmp_path, shards_of_four):
    _decode(given, tmp_path / "whole" / "1")
    _decode(given, tmp_path / "prism" / "1", "--runner=PrismRunner", f"--prism_location={PRISM}")
    shards_of = [Store(tmp_path / name / "1").about["shards"] for name in ("whole", "prism")]
    assert shards_of[0] == shards_of[1]
