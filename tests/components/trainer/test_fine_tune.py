"""Fine-tuning from a fitted head, on a task small enough to be learnt in seconds."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from headstart.components.shared.activations.store import Store
from headstart.components.shared.base import bases, pooling
from headstart.components.shared.base.cuts import blocks
from headstart.components.shared.features import SPLITS
from headstart.components.trainer import fine_tune, frozen

pytestmark = pytest.mark.slow

BASE = {"architecture": "compact", "weights": "random", "image_size": 16, "options": {}}
SETTINGS = {
    "unfreeze_depth": "auto",
    "batchnorm": "auto",
    "learning_rates": [0.01],
    "steps": 12,
    "search_steps": 4,
    "dropout": 0.0,
    "weight_decay": 0.0,
    "clip_norm": 5.0,
    "patience": 50,
    "patience_steps": 1,
    "epoch_steps": 6,
    "batchnorm_momentum": 0.9,
}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return tmp_path_factory.mktemp("stores")


@pytest.fixture
def train(embed, splits, stored):
    def run(head=None, **changes):
        folder = stored / str(pooling.MOST_CHANNELS)
        opened = Store(folder) if folder.exists() else embed(folder, grids=(1, 2))
        config = {
            "base": BASE,
            "augment": {"flip": False, "shift": 0.1, "zoom": 0.1, "contrast": 0.1},
            "fine_tune": {**SETTINGS, **changes},
            "train": {"seed": 3, "batch_size": 8},
            **({"head": head} if head else {}),
        }
        base = bases.load(**BASE)
        keras.utils.set_random_seed(3)
        tf.config.experimental.enable_op_determinism()
        run.base, run.before = base, [w.numpy() for w in base.weights]
        run.splits = {name: opened.split(name) for name in SPLITS}

        pixels = splits()["test"].pixels(np.arange(16)).astype(np.float32)
        run.test_images = bases.preprocess("compact")(pixels)
        normalise = bases.preprocess("compact")
        return fine_tune.train(base, normalise, run.splits, opened, splits(), 2, config)

    return run


def _worse(monkeypatch):
    """Make the frozen head one that the validation split does not like."""
    judge = frozen.judge
    monkeypatch.setattr(frozen, "judge", lambda *given: judge(*given) | {"val_accuracy": 0.0})


def _moved(train, statistics):
    return [
        not np.array_equal(before, after.numpy())
        for before, after in zip(train.before, train.base.weights)
        if ("moving_" in after.path) == statistics
    ]


def test_it_starts_from_the_fitted_head(train, monkeypatch):
    _worse(monkeypatch)
    _, progression, figures, _ = train(learning_rates=[1e-9], batchnorm="fixed")
    assert figures["fine_tuned"] == 1
    assert progression.history[0].val_accuracy == 1.0  # a new head would be at chance
    assert figures["learning_rate_found"] == 1e-9


def test_where_validation_prefers_the_frozen_base_that_is_the_model_and_the_base_is_as_it_was(train):
    model, progression, figures, probabilities = train()
    assert progression is None
    assert figures["fine_tuned"] == 0  # the head is perfect: nothing can be better
    assert not any(_moved(train, True) + _moved(train, False))
    np.testing.assert_allclose(model(train.test_images), probabilities, atol=1e-3)
    assert figures["val_accuracy"] == 1.0
    assert figures["unfrozen_blocks"] == figures["epochs"] == 0
    assert "the frozen head is the model" in figures["recipe"]


def test_adapting_statistics_move_and_the_predictions_are_those_of_the_exported_model(train, monkeypatch):
    _worse(monkeypatch)
    model, _, _, probabilities = train(batchnorm="adapting")
    assert all(_moved(train, statistics=True))
    np.testing.assert_allclose(model(train.test_images), probabilities, atol=1e-4)


def test_fixed_statistics_stay_while_weights_move(train, monkeypatch):
    _worse(monkeypatch)
    train(batchnorm="fixed")
    assert not any(_moved(train, statistics=True))
    assert any(_moved(train, statistics=False))


def test_below_the_cut_nothing_moves_not_even_statistics(train, monkeypatch):
    _worse(monkeypatch)
    _, _, figures, _ = train(batchnorm="adapting", unfreeze_depth=1)
    assert figures["unfrozen_blocks"] == 1
    top = {id(w) for layer in blocks(train.base)[-1] for w in getattr(layer, "weights", ())}
    moved = {
        id(after)
        for before, after in zip(train.before, train.base.weights)
        if not np.array_equal(before, after.numpy())
    }
    assert moved and moved <= top


def test_a_training_without_a_finite_loss_leaves_the_frozen_head(train, monkeypatch):
    monkeypatch.setattr(fine_tune.search, "train", lambda *_: {"learning_rate_found": 0.01})
    _, progression, figures, _ = train()
    assert (progression, figures["fine_tuned"]) == (None, 0)
    assert "(no loss, the frozen head 100.0%)" in figures["recipe"]
    assert figures["train_seconds"] >= figures["embed_seconds"]


def test_a_last_block_with_projected_channels_gives_its_head_to_all_of_them(train, monkeypatch):
    monkeypatch.setattr(pooling, "MOST_CHANNELS", 100)  # compact's last block has 192
    _worse(monkeypatch)
    _, progression, _, _ = train(learning_rates=[1e-9], batchnorm="fixed")
    assert progression.history[0].val_accuracy == 1.0


def test_the_recipe_is_in_the_figures_with_its_reasons(train, monkeypatch):
    monkeypatch.setattr(fine_tune.search, "train", lambda *_: {"learning_rate_found": 0.01})
    _, _, figures, _ = train(steps="auto")
    assert "400 steps for 24 images" in figures["recipe"]


def test_a_fixed_head_is_the_one_to_beat_and_the_recipe_still_compares_blocks(train, monkeypatch):
    monkeypatch.setattr(fine_tune.search, "train", lambda *_: {"learning_rate_found": 0.01})
    _, _, free, _ = train()
    _, _, figures, _ = train(head={"blocks": "last", "grid": 2, "penalty": 3.0})
    told = figures["head_blocks"], figures["head_grid"], figures["head_penalty"], figures["head_tuned"]
    assert told == ("last", 2, 3.0, 1)
    assert figures["recipe"] == free["recipe"]
    assert "too few images" not in free["recipe"]
