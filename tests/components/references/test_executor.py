"""References, from decoded images and stores to a folder a cell."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from tfx import types
from tfx.types import standard_artifacts

from headstart.components.references import classifiers, executor
from headstart.components.references.artifact import Predictions
from headstart.components.references.component import References
from headstart.components.references.executor import Executor, folder_name
from headstart.components.shared import predictions, subsets
from headstart.components.shared.activations import shards, store
from headstart.components.shared.activations.artifact import Activations, DecodedImages
from headstart.components.shared.activations.shards import Rows
from headstart.components.shared.activations.store import Store
from headstart.components.shared.features import SPLITS

# Images of the subsets by their names; ranks of two neighbours are of one class.
SUBSETS = {"1.0": range(24), "0.5.1": range(23, 11, -1), "3-a-class.2": (0, 1, 2, 3, 4, 6)}
WHOLE, HALF, FEW = SUBSETS
PIXELS = ("pixels_logistic", "pixels_svm")
EMBEDDINGS = ("embeddings_logistic", "random_embeddings_logistic")


def _store(images, folder, apart):
    """A store of the images whose embeddings tell the classes apart, or do not; an image takes two
    seconds, and three of the processor."""
    folder.mkdir(parents=True)
    staging = store.unfinished(folder, "key")
    staging.mkdir()
    rng = np.random.default_rng(0)
    for split in SPLITS:
        some = Store(images).split(split)
        count = len(some)
        embeddings = rng.normal(size=(count, 1, 4)).astype(np.float32)
        embeddings[:, 0, 0] += apart * some.labels
        empty, ones = np.zeros((count, 1, 0), np.float16), np.ones((count, 1), np.float32)
        shards.write(
            staging,
            f"{split}-00000-000000",
            Rows(some.paths, some.groups, some.labels, some.ranks, embeddings, empty, ones),
        )
    (staging / "train-00000-000000.seconds").write_text(f"{2.0 * 56} {3.0 * 56}")
    store.publish(staging, folder, {"key": "key", "depth": 0, "views": 1})
    made = Activations()
    made.uri = str(folder)
    return made


def _cell(key, folder):
    file = folder / f"{key}.csv"
    file.write_text("path,label\n" + "".join(f"train/{rank:02},\n" for rank in SUBSETS[key]))
    return {"key": key, "file": str(file), "digest": subsets.digest(file)}


@pytest.fixture
def run(images, tmp_path, monkeypatch):
    vocabulary = SimpleNamespace(vocabulary_by_name=lambda _: [b"dark", b"bright"])
    monkeypatch.setattr(executor.tft, "TFTransformOutput", lambda _: vocabulary)
    given, graph = DecodedImages(), standard_artifacts.TransformGraph()
    given.uri = str(images)
    inputs = {
        "images": [given],
        "activations": [_store(images, tmp_path / "base" / "1", apart=20)],
        "random": [_store(images, tmp_path / "random" / "2", apart=0)],
        "transform_graph": [graph],
    }

    def _run(*cells, stores=("activations", "random"), name="out"):
        made = Predictions()
        made.uri = str(tmp_path / name)
        settings = {"cells": [_cell(key, tmp_path) for key in cells], "code": ""}
        given = {channel: inputs[channel] for channel in ("images", "transform_graph", *stores)}
        Executor().Do(given, {"predictions": [made]}, {"settings": json.dumps(settings)})
        return {
            folder.name: (json.loads((folder / "figures.json").read_text()), folder)
            for folder in (tmp_path / name).iterdir()
        }

    return _run


def _accuracy(folder):
    rows = predictions.read(folder)
    return np.mean([row["label"] == row["predicted"] for row in rows])


def test_every_reference_answers_on_every_cell(run):
    made = run(WHOLE, HALF, FEW)
    assert set(made) == {
        f"{reference}.{cell}" for reference in PIXELS + EMBEDDINGS for cell in ("1.0", "0.5.1", "3-a-class.2")
    }
    for name, (figures, folder) in made.items():
        rows = predictions.read(folder)
        assert [row["path"] for row in rows] == [f"test/{rank:02}" for rank in range(16)]
        assert {row["label"] for row in rows} == {"dark", "bright"}
        assert all((row["label_rank"] == 0) == (row["label"] == row["predicted"]) for row in rows)
        assert folder_name(figures["strategy"], figures) == name
    assert made["pixels_svm.1.0"][0]["labelled_images"] == 24
    assert made["pixels_svm.0.5.1"][0]["labelled_images"] == 12
    assert made["pixels_svm.3-a-class.2"][0]["labelled_images"] == 6


def test_bright_is_told_from_dark_by_pixels_and_by_good_embeddings_but_not_by_noise(run):
    made = run(WHOLE)
    right = {name: _accuracy(folder) for name, (_, folder) in made.items()}
    assert right["pixels_logistic.1.0"] == right["pixels_svm.1.0"] == 1.0
    assert right["embeddings_logistic.1.0"] == 1.0
    assert right["random_embeddings_logistic.1.0"] < 0.9


def test_the_seconds_of_embeddings_include_the_embedding(run):
    made = run(HALF)
    figures = made["embeddings_logistic.0.5.1"][0]
    assert figures["embed_seconds"] == pytest.approx(2.0 * (12 + 16))
    assert figures["embed_seconds"] < figures["train_seconds"] == figures["seconds_to_best"]
    assert figures["cpu_seconds"] > 3.0 * (12 + 16)
    assert made["pixels_svm.0.5.1"][0]["embed_seconds"] == 0


def test_two_runs_write_the_same_predictions(run):
    one, two = run(HALF, FEW), run(HALF, FEW, name="again")
    for name, (_, folder) in one.items():
        assert (folder / predictions.FILE).read_bytes() == (two[name][1] / predictions.FILE).read_bytes()


def test_a_large_subset_is_cut_for_an_expensive_reference_and_that_is_told(run, monkeypatch):
    monkeypatch.setattr(executor, "_SVM_MOST", 10)
    made = run(WHOLE, HALF)
    for cell, labelled in (("1.0", 24), ("0.5.1", 12)):
        figures = made[f"pixels_svm.{cell}"][0]
        assert (figures["labelled_images"], figures["images_used"]) == (labelled, 10)
        assert made[f"pixels_logistic.{cell}"][0]["images_used"] == labelled


def test_a_reference_that_fails_says_so_and_the_others_go_on(run, monkeypatch):
    def fail(*_):
        raise MemoryError("cannot allocate 9 GB")

    monkeypatch.setattr(classifiers, "svm", fail)
    made = run(HALF)
    figures, folder = made["pixels_svm.0.5.1"]
    assert figures["failure"] == "pixels_svm on 12 images failed: MemoryError: cannot allocate 9 GB."
    assert not (folder / predictions.FILE).exists()
    assert [name for name, (one, _) in made.items() if "failure" in one] == ["pixels_svm.0.5.1"]


def test_without_a_store_of_random_weights_there_is_no_classifier_on_them(run):
    made = run(HALF, stores=("activations",))
    assert {figures["strategy"] for figures, _ in made.values()} == {*PIXELS, "embeddings_logistic"}


def test_the_labels_of_the_test_split_choose_nothing(run, monkeypatch):
    before = run(HALF)
    read = executor.images.read

    def mislabelled(opened, side):
        split = read(opened, side)
        if split.paths[0].startswith("test"):
            split.labels[:] = 1 - split.labels
        return split

    monkeypatch.setattr(executor.images, "read", mislabelled)
    for name, (figures, folder) in run(HALF, name="mislabelled").items():
        assert figures["c"] == before[name][0]["c"]
        predicted, as_before = (predictions.read(one) for one in (folder, before[name][1]))
        assert [row["predicted"] for row in predicted] == [row["predicted"] for row in as_before]


def test_the_component_declares_what_it_needs():
    channels = [
        types.Channel(type=one)
        for one in (DecodedImages, Activations, Activations, standard_artifacts.TransformGraph)
    ]
    settings = {"cells": [{"key": WHOLE}], "code": "digest"}
    component = References(*channels, settings)
    assert set(component.inputs) == {"images", "activations", "random", "transform_graph"}
    assert json.loads(component.exec_properties["settings"]) == settings
