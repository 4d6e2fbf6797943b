"""Cross-validation, from stores and the manifest to its files."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

from headstart.components.cross_validation import executor, figures
from headstart.components.cross_validation.artifact import OutOfFold
from headstart.components.shared.activations import shards, store
from headstart.components.shared.activations.artifact import Activations
from headstart.components.shared.activations.shards import Rows

COUNT = 60


def _store(folder, worth, count=COUNT, blocks=True):
    folder.mkdir(parents=True)
    staging = store.unfinished(folder, "key")
    staging.mkdir()
    labels = np.arange(count) % 2
    values = np.random.default_rng(0).normal(size=(count, 6)) + worth * labels[:, None]
    pooled = {(block, 1): values.astype(np.float16) for block in range(2)} if blocks else {}
    paths = [f"{row:03}" for row in range(count)]
    embeddings = values.astype(np.float32)[:, None]
    activations = np.zeros((count, 1, 0), np.float16), np.ones((count, 1), np.float32)
    rows = Rows(paths, paths, labels, np.arange(count), embeddings, *activations, pooled)
    shards.write(staging, "train-00000-000000", rows)
    store.publish(staging, folder, {"key": "key", "depth": 0, "views": 1})
    made = Activations()
    made.uri = str(folder)
    return made


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the executor on stores of two classes, of which the base tells more than random weights."""
    names = SimpleNamespace(vocabulary_by_name=lambda _: [b"cat", b"dog"])
    monkeypatch.setattr(executor.tft, "TFTransformOutput", lambda _: names)
    rows = [
        f"{row:03},{'cat' if row % 2 == 0 else 'dog'},train,{row // 2 % 5 + 1},{row}" for row in range(COUNT)
    ]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,label,split,fold,sha256", *rows]))

    def _run(**random):
        inputs = {"activations": [_store(tmp_path / "base/1", 2.0)], "transform_graph": [_folder(tmp_path)]}
        if random:
            inputs["random"] = [_store(tmp_path / "random/1", 0.0, **random)]
        made = OutOfFold()
        made.uri = str(tmp_path / "out")
        settings = {"manifest": str(tmp_path / "manifest.csv"), "by_time": False}
        executor.Executor().Do(inputs, {"predictions": [made]}, {"settings": json.dumps(settings)})
        with (tmp_path / "out" / figures.FILE).open(newline="") as file:
            return figures.read(tmp_path / "out"), list(csv.DictReader(file))

    return _run


def _folder(path):
    made = OutOfFold()
    made.uri = str(path)
    return made


def test_the_folds_of_the_manifest_are_predicted_and_the_base_is_compared_with_random_weights(run):
    told, rows = run(blocks=True)
    assert (told["images"], told["training_images"], len(told["folds"])) == (COUNT, COUNT, 5)
    assert [row["fold"] for row in rows] == [str(int(row["path"]) // 2 % 5 + 1) for row in rows]
    right = np.mean([row["predicted"] == row["label"] for row in rows])
    assert told["accuracy"]["mean"] == pytest.approx(right) and right > 0.9  # folds of the same size
    assert told["gain"]["mean"] == pytest.approx(right - told["random_accuracy"]["mean"])
    assert told["gain"]["mean"] > 0.2


@pytest.mark.parametrize("random", [{}, {"blocks": False}, {"count": 40}])
def test_random_weights_without_blocks_or_with_fewer_images_are_not_compared(run, random):
    told, rows = run(**random)
    assert told["gain"] is None and told["random_accuracy"] is None and len(rows) == COUNT


def test_of_many_images_a_sample_is_taken(run, monkeypatch):
    monkeypatch.setattr(executor, "_MOST", 40)
    told, rows = run()
    assert (told["images"], told["training_images"], len(rows)) == (40, COUNT, 40)
