"""Embedder's Beam graph: the same store however it came about."""

import hashlib
import json
import os
import shutil

import numpy as np
import pytest
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from headstart.components.embedder import executor
from headstart.components.embedder.executor import Executor
from headstart.components.shared.activations import store
from headstart.components.shared.activations.artifact import Activations, DecodedImages
from headstart.components.shared.activations.store import CorruptedError, Store
from headstart.components.shared.base import bases
from headstart.components.shared.features import SPLITS

pytestmark = pytest.mark.slow

RECIPE = {
    "base": {"architecture": "compact", "weights": "random", "image_size": 16, "options": {}},
    "depth": 2,
    "grids": [1, 2],
    "views": 2,
    "chunk": 3,
    "augment": {"flip": True, "shift": 0.1, "zoom": 0.1, "contrast": 0.2},
}
PRISM = os.environ.get("HEADSTART_PRISM") or shutil.which("prism")
THREADS = ("--direct_running_mode=multi_threading", "--direct_num_workers=2")


def _embed(images, folder, beam_args=THREADS, recipe=RECIPE):
    folder.mkdir(parents=True, exist_ok=True)
    given = DecodedImages()
    given.uri = str(images)
    made = Activations()
    made.uri = str(folder)
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=list(beam_args), tmp_dir=str(folder.parent), unique_id="1"
    )
    Executor(context).Do(
        {"images": [given]}, {"activations": [made]}, {"recipe": json.dumps(recipe, sort_keys=True)}
    )
    return made


def _content(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.arrow")}


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory):
    """A store made without interruption; shards of three images."""
    folder = tmp_path_factory.mktemp("embedder") / "1"
    return folder, _embed(images, folder)


def test_every_image_of_every_split_is_in_the_store_with_its_label(whole):
    folder, made = whole
    opened = Store(folder)
    train, validation, test = (opened.split(split) for split in SPLITS)
    assert (len(train), len(validation), len(test)) == (24, 16, 16)
    assert train.labels.tolist() == [0, 0, 1, 1] * 6
    assert (train.views, validation.views) == (2, 1)
    assert train.activations(np.array([0]), np.array([1])).shape == (1, 4, 4, 96)
    assert train.block((3, 2), np.array([0, 5])).shape == (2, 2 * 2 * 192)
    assert train.groups == train.paths  # every image is a group of its own
    assert len(_content(folder)) == 8 + 6 + 6
    assert artifact_utils.decode_split_names(made.split_names) == list(SPLITS)
    assert (made.depth, made.views) == (2, 2)
    assert made.bytes == opened.about["bytes"] > 0


@pytest.mark.parametrize(
    "beam_args",
    [
        ["--runner=DirectRunner", "--direct_running_mode=in_memory"],
        ["--runner=DirectRunner", "--direct_running_mode=multi_processing", "--direct_num_workers=2"],
        pytest.param(
            ["--runner=PrismRunner", f"--prism_location={PRISM}"],
            marks=pytest.mark.skipif(not PRISM, reason="Beam's portable runner is not installed"),
        ),
    ],
    ids=["one worker", "two processes", "portable"],
)
def test_other_workers_make_the_same_store(whole, images, tmp_path, beam_args):
    folder = tmp_path / "activations" / "2"
    _embed(images, folder, beam_args)
    assert _content(folder) == _content(whole[0])


def test_cut_off_midway_the_next_run_goes_on_and_ends_with_the_same_store(
    whole, images, tmp_path, monkeypatch
):
    write, written = executor.write, []

    def dying(made, folder):
        if len(written) == 5:
            raise KeyboardInterrupt("cut off")
        written.append(made[0])
        return write(made, folder)

    cut_off, folder = tmp_path / "1", tmp_path / "2"
    with monkeypatch.context() as patch:
        patch.setattr(executor, "write", dying)
        with pytest.raises(BaseException, match="cut off"):
            _embed(images, cut_off, ["--direct_running_mode=in_memory"])
    (staging,) = tmp_path.glob("unfinished-*")
    (staging / "train-00001-000003.partial-77").write_bytes(b"half a shard")
    spoilt = next(staging.glob("*.arrow"))
    spoilt.write_bytes(spoilt.read_bytes()[:-1])

    kept = {path.name: path.stat().st_mtime_ns for path in staging.glob("*.arrow") if path != spoilt}
    assert len(kept) == 5 - 1
    _embed(images, folder)
    assert _content(folder) == _content(whole[0])
    assert {name: (folder / name).stat().st_mtime_ns for name in kept} == kept  # not made again
    assert not list(tmp_path.glob("unfinished-*"))


def test_a_damaged_shard_alone_is_made_again(whole, images, tmp_path):
    folder, repaired = tmp_path / "1", tmp_path / "2"
    _embed(images, folder)
    victim = sorted(folder.glob("*.arrow"))[4]
    victim.write_bytes(b"\0" * victim.stat().st_size)
    with pytest.raises(CorruptedError, match=victim.name):
        Store(folder)
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.arrow") if path != victim}
    store.give_back(folder)

    _embed(images, repaired)
    assert _content(repaired) == _content(whole[0])
    assert {name: (repaired / name).stat().st_mtime_ns for name in kept} == kept


def test_a_store_that_nobody_was_told_of_is_taken_as_it_is(whole, images, tmp_path):
    _embed(images, tmp_path / "1")
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "1").glob("*.arrow")}
    _embed(images, tmp_path / "2")
    assert {name: (tmp_path / "2" / name).stat().st_mtime_ns for name in kept} == kept
    assert _content(tmp_path / "2") == _content(whole[0])


def test_some_images_of_each_split_make_whole_chunks_wherever_they_lie(whole, images, tmp_path):
    most = {"train": 7, "validation": 3}
    _embed(images, tmp_path / "1", recipe={**RECIPE, "most": most})
    opened = Store(tmp_path / "1")
    assert opened.split("train").ranks.tolist() == list(range(7))
    assert len(opened.split("validation")) == 3
    assert sorted(opened.split("validation").labels.tolist()) in ([0, 0, 1], [0, 1, 1])
    assert [len(part.paths) for part in opened.parts["train"].values()] == [3, 3, 1]
    everything = Store(whole[0]).split("train")
    rows, views = np.arange(7), np.zeros(7, int)
    np.testing.assert_allclose(
        opened.split("train").embeddings(rows, views), everything.embeddings(rows, views), atol=1e-6
    )


def test_another_base_does_not_go_on_from_the_shards_of_this_one(images, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(executor.store, "publish", lambda *_: (_ for _ in ()).throw(RuntimeError("cut off")))
        with pytest.raises(RuntimeError, match="cut off"):
            _embed(images, tmp_path / "1")
    bases.load("compact", "random", 16, {}).save_weights(tmp_path / "other.weights.h5")
    other = {**RECIPE, "base": {**RECIPE["base"], "weights": str(tmp_path / "other.weights.h5")}}
    _embed(images, tmp_path / "2", recipe={**other, "views": 1})
    assert Store(tmp_path / "2").split("train").views == 1
