"""CrossValidation, from stores and the manifest to predictions and figures."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
from tfx import types
from tfx.types import standard_artifacts

from headstart.components.cross_validation import executor, figures
from headstart.components.cross_validation.artifact import OutOfFold
from headstart.components.cross_validation.component import CrossValidation
from headstart.components.shared.activations import shards, store
from headstart.components.shared.activations.artifact import Activations
from headstart.components.shared.activations.shards import Rows

IMAGES = 40


def _store(folder, apart, images=IMAGES, blocks=True):
    folder.mkdir(parents=True)
    staging = store.unfinished(folder, "key")
    staging.mkdir()
    labels = np.arange(images) % 2
    values = np.random.default_rng(0).normal(size=(images, 6))
    values[:, 0] += apart * labels
    paths = [f"{row:02}" for row in range(images)]
    one = np.ones((images, 1, 1), np.float32)
    rows = Rows(
        paths,
        paths,
        labels,
        np.arange(images),
        embeddings=one,
        activations=np.zeros((images, 1, 0), np.float16),
        scales=one[:, 0],
        pooled={(0, 1): values.astype(np.float16)} if blocks else {},
    )
    shards.write(staging, "train-00000-000000", rows)
    store.publish(staging, folder, {"key": "key", "depth": 0, "views": 1})
    made = Activations()
    made.uri = str(folder)
    return made


@pytest.fixture
def run(tmp_path, monkeypatch):
    vocabulary = SimpleNamespace(vocabulary_by_name=lambda _: [b"cat", b"dog"])
    monkeypatch.setattr(executor.tft, "TFTransformOutput", lambda _: vocabulary)
    lines = [f"{row:02},{('cat', 'dog')[row % 2]},train,{row // 2 % 4 + 1},{row}" for row in range(IMAGES)]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,label,split,fold,sha256", *lines]))

    def _run(random=None):
        made = OutOfFold()
        made.uri = str(tmp_path / "out")
        inputs = {
            "activations": [_store(tmp_path / "base" / "1", apart=8)],
            "transform_graph": [standard_artifacts.TransformGraph()],
        }
        if random:
            inputs["random"] = [random]
        settings = {
            "manifest": str(tmp_path / "manifest.csv"),
            "by_time": False,
            "head": {},
            "folds": "",
            "code": "",
        }
        executor.Executor().Do(inputs, {"predictions": [made]}, {"settings": json.dumps(settings)})
        with (tmp_path / "out" / figures.FILE).open(newline="") as file:
            return figures.read(tmp_path / "out"), list(csv.DictReader(file))

    return _run


def test_the_folds_are_the_manifests_and_the_base_is_compared_on_the_same_ones(run, tmp_path):
    found, rows = run(_store(tmp_path / "random" / "2", apart=0))
    assert [one["images"] for one in found["folds"]] == [10] * 4
    assert [row["fold"] for row in rows] == [str(row // 2 % 4 + 1) for row in range(IMAGES)]
    assert found["accuracy"]["mean"] > 0.95 > 0.8 > found["random_accuracy"]["mean"]
    assert (found["images"], found["training_images"], found["by_time"]) == (IMAGES, IMAGES, False)


@pytest.mark.parametrize("held", [{"blocks": False}, {"images": 30}])
def test_random_weights_without_blocks_or_with_fewer_images_are_not_compared(run, tmp_path, held):
    found, _ = run(_store(tmp_path / "random" / "2", apart=0, **held))
    assert found["gain"] is None and found["accuracy"]["mean"] > 0.95


def test_a_sample_of_many_images_is_predicted(run, monkeypatch):
    monkeypatch.setattr(executor, "_MOST", 24)
    found, rows = run()
    assert len(rows) == 24 and (found["images"], found["training_images"]) == (24, IMAGES)


def test_the_component_takes_a_study_without_random_weights():
    activations = types.Channel(type=Activations)
    graph = types.Channel(type=standard_artifacts.TransformGraph)
    made = CrossValidation(activations, None, graph, {"manifest": "manifest.csv"})
    assert set(made.inputs) == {"activations", "transform_graph"}
    assert json.loads(made.exec_properties["settings"]) == {"manifest": "manifest.csv"}
