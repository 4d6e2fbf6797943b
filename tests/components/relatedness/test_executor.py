"""Relatedness, from stores to the report."""

import json

import numpy as np
import pytest
from tfx import types

from headstart.components.relatedness import report
from headstart.components.relatedness.artifact import RelatednessReport
from headstart.components.relatedness.component import Relatedness
from headstart.components.relatedness.executor import Executor
from headstart.components.shared.activations import shards, store
from headstart.components.shared.activations.artifact import Activations
from headstart.components.shared.activations.shards import Rows

BASES = {name: {"architecture": name, "weights": "imagenet"} for name in ("good", "better", "poor")}
WORTH = {"good": 3.0, "better": 6.0, "poor": 1.5, "random": 0.5}


def _store(folder, name, images=120):
    """A store whose embeddings tell the two classes apart as well as the base is worth."""
    folder.mkdir(parents=True)
    staging = store.unfinished(folder, name)
    staging.mkdir()
    rng = np.random.default_rng(len(name))
    for split in ("train", "validation"):
        labels = np.arange(images) % 2
        embeddings = rng.normal(size=(images, 1, 6)).astype(np.float32)
        embeddings[:, 0, 0] += WORTH[name] * labels
        paths = [f"{split}/{row:03}" for row in range(images)]
        rows = Rows(
            paths,
            paths,
            labels,
            np.arange(images) if split == "train" else np.full(images, -1),
            embeddings,
            np.zeros((images, 1, 0), np.float16),
            np.ones((images, 1), np.float32),
        )
        shards.write(staging, f"{split}-00000-000000", rows)
    store.publish(staging, folder, {"key": name, "depth": 0, "views": 1, "base": BASES.get(name)})
    made = Activations()
    made.uri = str(folder)
    return made


@pytest.fixture
def stores(tmp_path):
    return {name: _store(tmp_path / name / "1", name) for name in WORTH}


def _run(inputs, bases, folder):
    made = RelatednessReport()
    made.uri = str(folder)
    parameters = {"bases": json.dumps([[name, BASES[name]] for name in bases]), "code": ""}
    Executor().Do({name: given for name, given in inputs.items()}, {"report": [made]}, parameters)
    return report.read(folder)


def test_a_good_base_is_told_from_random_weights_and_candidates_are_ranked_in_any_order(stores, tmp_path):
    told = []
    for number, candidates in enumerate((["better", "poor"], ["poor", "better"])):
        inputs = {"activations": [stores["good"]], "random": [stores["random"]]}
        inputs["candidates"] = [stores[name] for name in candidates]
        told.append(_run(inputs, ["good", "better", "poor"], tmp_path / str(number)))
        told[-1].pop("seconds")
    assert told[0] == told[1]
    assert told[0]["base"]["verdict"] == report.RELATED
    assert (told[0]["base"]["images"], told[0]["base"]["validation_images"]) == (120, 120)
    assert [row["base"] for row in told[0]["ranking"]] == ["better", "good", "poor"]
    scores = [row["logme"] for row in told[0]["ranking"]]
    assert scores == sorted(scores, reverse=True)


def test_without_candidates_the_base_is_its_own_ranking(stores, tmp_path):
    told = _run({"activations": [stores["random"]], "random": [stores["random"]]}, ["good"], tmp_path / "out")
    assert told["base"]["verdict"] == report.WEAK
    assert [row["base"] for row in told["ranking"]] == ["good"]


def test_a_candidate_without_a_store_is_an_error(stores, tmp_path):
    inputs = {"activations": [stores["good"]], "random": [stores["random"]], "candidates": [stores["poor"]]}
    with pytest.raises(ValueError, match="no store of better"):
        _run(inputs, ["good", "better"], tmp_path / "out")


def test_random_weights_may_have_seen_fewer_images_and_are_compared_on_those(stores, tmp_path):
    fewer = _store(tmp_path / "fewer" / "1", "random", images=60)
    told = _run({"activations": [stores["good"]], "random": [fewer]}, ["good"], tmp_path / "out")
    assert (told["base"]["images"], told["base"]["validation_images"]) == (60, 60)
    whole = _run(
        {"activations": [stores["good"]], "random": [stores["random"]]}, ["good"], tmp_path / "whole"
    )
    assert told["ranking"] == whole["ranking"]


def test_stores_of_other_images_are_an_error(stores, tmp_path):
    other = _store(tmp_path / "other" / "1", "random", images=130)
    with pytest.raises(ValueError, match="the store of good is of other images"):
        _run({"activations": [stores["good"]], "random": [other]}, ["good"], tmp_path / "out")


def test_the_component_takes_any_number_of_candidates():
    channels = [types.Channel(type=Activations) for _ in range(4)]
    alone = Relatedness(channels[0], channels[1], {"good": BASES["good"]}, "digest")
    assert set(alone.inputs) == {"activations", "random"}
    several = Relatedness(channels[0], channels[1], BASES, "digest", channels[2:])
    assert several.inputs["candidates"].channels == channels[2:]
    assert [name for name, _ in json.loads(several.exec_properties["bases"])] == list(BASES)


def test_without_random_weights_nothing_is_compared_and_the_sentence_says_why(stores, tmp_path):
    found = _run({"activations": [stores["good"]]}, ["good"], tmp_path / "report")["base"]
    assert found["verdict"] == report.NOT_COMPARED
    assert found["random_ridge"] is None and found["p_value"] is None
    assert found["ridge"] > 0.8
    assert "not compared with random weights (relatedness.random_images is 0)" in found["sentence"]
