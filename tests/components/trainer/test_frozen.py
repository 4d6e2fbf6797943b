"""A head that sees several blocks, from the store to the classifier."""

import numpy as np
import pytest

from headstart.components.shared.activations.blocks import StoredBlocks
from headstart.components.shared.base import bases
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import SPLITS
from headstart.components.shared.linear import choice, head
from headstart.components.shared.linear.features import Candidate
from headstart.components.trainer import frozen


@pytest.fixture
def trained(embed, tmp_path):
    opened = embed(tmp_path / "store", grids=(1, 2, 3, 4))
    subset = [f"train/{rank:02}" for rank in range(20)]
    splits = {name: opened.split(name, subset if name == "train" else None) for name in SPLITS}
    base = bases.load("compact", "random", 16, {})
    return base, splits, opened, frozen.train(base, splits, opened, 2)[1]


def test_the_head_learns_the_task_without_epochs(trained):
    _, splits, _, (_, progression, figures, probabilities) = trained
    assert progression is None
    assert figures["epochs"] == 0
    assert (probabilities.argmax(axis=1) == splits["test"].labels).mean() == 1.0
    assert figures["val_accuracy"] == figures["train_accuracy"] == 1.0


def test_the_classifier_answers_as_the_store_does_within_float16_error(trained, splits):
    *_, (model, _, _, probabilities) = trained
    pixels = splits()["test"].pixels(np.arange(16)).astype(np.float32)
    np.testing.assert_allclose(model(bases.preprocess("compact")(pixels)), probabilities, atol=1e-3)


def test_the_base_is_left_as_it_was_and_nothing_can_be_trained(trained):
    base, _, _, (model, *_) = trained
    fresh = bases.load("compact", "random", 16, {})
    assert all(np.array_equal(a, b) for a, b in zip(base.get_weights(), fresh.get_weights()))
    assert model.trainable_weights == []


def test_seconds_are_the_fit_and_the_share_of_the_embedding_and_the_choice_is_apart(trained):
    _, splits, opened, (_, _, figures, _) = trained
    assert figures["embed_seconds"] == pytest.approx(opened.seconds_per_view * (20 + 16))
    assert figures["train_seconds"] > figures["embed_seconds"] > 0
    assert figures["tuning_seconds"] > 0


def test_the_figures_say_what_was_chosen(trained):
    _, splits, _, (_, _, figures, _) = trained
    assert figures["head_blocks"] in ("last", "top four", "upper half", "all")
    assert figures["head_grid"] in (1, 2, 3, 4)
    assert figures["cv_accuracy"] >= figures["cv_accuracy_last_block"]


def test_stored_blocks_give_a_small_map_on_the_finest_grid_that_it_has(trained):
    _, splits, _, _ = trained
    blocks = StoredBlocks(splits["validation"])
    assert (blocks.blocks, blocks.grids, len(blocks)) == (4, (1, 2, 3, 4), 16)
    assert blocks.width(0, 4) == 16 * 24
    assert blocks.width(3, 4) == blocks.width(3, 2) == 4 * 192
    rows = np.array([3, 1])
    np.testing.assert_array_equal(blocks.take(3, 4, rows), blocks.take(3, 2, rows))


def test_a_head_that_is_fitted_towards_a_champions_has_its_blocks_and_a_penalty_by_validation(
    embed, tmp_path
):
    opened = embed(tmp_path / "store", grids=(1, 2, 3, 4))
    splits = {name: opened.split(name) for name in SPLITS}
    features, rows = StoredBlocks(splits["train"]), np.arange(len(splits["train"]))
    candidate = Candidate("first", (0, 1), 3)  # no set that cross-validation chooses among
    champion = head.fit(features, splits["train"].labels, rows, 2, candidate, 10.0)
    found, (_, _, figures, probabilities) = frozen.train(None, splits, opened, 2, champion)
    assert found.candidate == candidate
    assert figures["tuning_seconds"] > 0
    assert figures["head_penalty"] in choice.PENALTIES
    assert (probabilities.argmax(axis=1) == splits["test"].labels).mean() == 1.0


def test_a_store_without_the_champions_grid_says_what_to_raise(embed, tmp_path):
    fine, coarse = (embed(tmp_path / name, grids=grids) for name, grids in (("a", (1, 4)), ("b", (1, 2))))
    splits = {name: fine.split(name) for name in SPLITS}
    features = StoredBlocks(splits["train"])
    candidate = Candidate("last", (0,), 4)
    champion = head.fit(features, splits["train"].labels, np.arange(len(features)), 2, candidate, 10.0)
    with pytest.raises(HeadstartError, match="raise store.budget_gb"):
        frozen.train(None, {name: coarse.split(name) for name in SPLITS}, coarse, 2, champion)


@pytest.fixture
def stored(embed, tmp_path):
    opened = embed(tmp_path / "store", grids=(1, 2, 3, 4))
    return opened, {name: opened.split(name) for name in SPLITS}


def test_a_fixed_head_is_fitted_without_a_choice(stored, monkeypatch):
    opened, splits = stored
    monkeypatch.setattr(choice, "choose", None)  # to call it fails
    fixed = {"blocks": "upper half", "grid": 2, "penalty": 30.0}
    fitted, (_, _, figures, _) = frozen.train(None, splits, opened, 2, fixed=fixed)
    assert fitted.candidate == Candidate("upper half", (2, 3), 2)
    assert (figures["head_tuned"], figures["head_penalty"], figures["head_folds"]) == (1, 30.0, 0)
    assert "cv_accuracy" not in figures
    expected = head.fit(
        StoredBlocks(splits["train"]),
        splits["train"].labels,
        np.arange(len(splits["train"])),
        2,
        fitted.candidate,
        30.0,
    )
    np.testing.assert_array_equal(fitted.weights, expected.weights)


@pytest.mark.parametrize("blocks, grid", [("top five", 2), ("all", 5)])
def test_a_fixed_head_that_the_store_has_no_features_for_says_what_to_do(stored, blocks, grid):
    opened, splits = stored
    with pytest.raises(HeadstartError, match=f"'{blocks}' on a grid of {grid}.*run `headstart tune` again"):
        frozen.train(None, splits, opened, 2, fixed={"blocks": blocks, "grid": grid, "penalty": 10.0})


def test_a_balanced_head_is_chosen_and_fitted_with_balanced_classes(stored):
    opened, splits = stored
    labels = splits["train"].labels
    few = [path for path, label in zip(splits["train"].paths, labels) if label == 0][:9]
    most = [path for path, label in zip(splits["train"].paths, labels) if label == 1][:4]
    splits["train"] = opened.split("train", few + most)
    fitted, (_, _, figures, _) = frozen.train(None, splits, opened, 2, fixed={"balanced": True})
    assert figures["head_balanced"] == 1
    assert "head_tuned" not in figures
    assert figures["tuning_seconds"] > 0
    features, rows = StoredBlocks(splits["train"]), np.arange(13)
    balanced, plain = (
        head.fit(
            features,
            splits["train"].labels,
            rows,
            2,
            fitted.candidate,
            figures["head_penalty"],
            balanced=balanced,
        )
        for balanced in (True, False)
    )
    np.testing.assert_array_equal(fitted.weights, balanced.weights)
    assert np.abs(balanced.bias - plain.bias).max() > 0.01


def test_a_champions_head_keeps_its_blocks_and_grid_where_another_head_is_fixed(stored):
    opened, splits = stored
    features, rows = StoredBlocks(splits["train"]), np.arange(len(splits["train"]))
    champion = head.fit(features, splits["train"].labels, rows, 2, Candidate("all", (0, 1, 2, 3), 1), 10.0)
    fixed = {"blocks": "last", "grid": 1, "penalty": 30.0, "balanced": True}
    fitted, (_, _, figures, _) = frozen.train(None, splits, opened, 2, champion, fixed)
    assert fitted.candidate == champion.candidate
    assert "head_tuned" not in figures
