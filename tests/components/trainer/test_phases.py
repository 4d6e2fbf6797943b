"""Both phases on a task small enough to be learnt in seconds."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from headstart.components.shared.activations.store import Store
from headstart.components.shared.base import bases
from headstart.components.shared.features import SPLITS
from headstart.components.trainer import feed, phases
from headstart.components.trainer.model import compile_
from headstart.components.trainer.progression import rows

BASE = {"architecture": "compact", "weights": "random", "image_size": 16, "options": {}}
CONFIG = {
    "head": {"kind": "dense", "units": 8, "dropout": 0.3},
    "augment": {"views": 0, "flip": True, "shift": 0.1, "zoom": 0.1, "contrast": 0.1},
    "frozen": {"epochs": 4, "learning_rate": 0.01, "patience": 4},
    "textbook": {"epochs": 3, "learning_rate": 0.003, "patience": 3, "unfreeze_depth": 2},
    "gradual": {
        "epochs": 2,
        "learning_rate": 0.003,
        "decay": 0.5,
        "patience": 2,
        "unfreeze_depths": [1, 2],
    },
    "strategy": "textbook",
    "train": {
        "seed": 5,
        "batch_size": 8,
        "patience_steps": 1,
        "precision": "auto",
    },
    "pixels": False,
}


@pytest.fixture
def train(splits, embed, tmp_path):
    """Trains on a store of `depth` and `views`, or from the images; changes go into the configuration."""

    def run(depth=2, views=1, images=24, **changes):
        config = {**CONFIG, **changes}
        base = bases.load("compact", "random", 16, {})
        folder = tmp_path / f"store-{depth}-{views}"
        if not folder.exists():
            embed(folder, depth=depth, views=views)
        keras.utils.set_random_seed(config["train"]["seed"])
        tf.config.experimental.enable_op_determinism()
        before = [w.numpy() for w in base.weights if "moving_" in w.path]
        opened = Store(folder)
        subset = {"images": images, "per_class": None, "draw": 0}
        rows_of = {name: opened.split(name, subset if name == "train" else None) for name in SPLITS}
        model, progression, figures, probabilities = phases.train(
            base,
            bases.preprocess("compact"),
            rows_of,
            opened,
            splits(subset),
            2,
            config,
        )
        after = [w.numpy() for w in base.weights if "moving_" in w.path]
        run.probabilities = probabilities
        return model, figures, rows(progression.history), (before, after)

    return run


KEYS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


@pytest.mark.parametrize("pixels", [False, True])
def test_both_phases_leave_batch_norm_statistics_bitwise_unchanged(train, pixels):
    _, figures, _, (before, after) = train(pixels=pixels)
    assert figures["epochs_frozen"] == 4
    assert figures["epochs"] == 4 + 3
    assert figures["from_pixels"] == pixels
    assert len(before) == 12
    assert all(np.array_equal(a, b) for a, b in zip(before, after))


def test_stored_activations_and_pixels_give_the_same_loss_curve_within_float16_error(train):
    slow = {**CONFIG["textbook"], "epochs": 6, "learning_rate": 3e-4}
    # One hidden unit that lives or dies by a rounding error would be another curve: so many units.
    head = {"kind": "dense", "units": 64, "dropout": 0.3}
    _, stored, one, _ = train(textbook=slow, head=head)
    _, seen, other, _ = train(textbook=slow, head=head, pixels=True)
    assert (stored["from_pixels"], seen["from_pixels"]) == (0, 1)
    for a, b in zip(one, other):
        assert (a["train_loss"], a["val_loss"]) == pytest.approx((b["train_loss"], b["val_loss"]), rel=5e-3)
    losses = [row["train_loss"] for row in one if row["phase"] == "fine_tune"]
    assert losses[-1] < 0.9 * losses[0]  # or the two would agree by standing still


def test_the_exported_model_is_prefix_and_suffix_together(train, splits):
    model, figures, _, _ = train()
    data = feed.images(splits()["validation"], bases.preprocess("compact"), 64)
    compile_(model, 0.1)
    loss, accuracy = model.evaluate(data, verbose=0)
    assert (loss, accuracy) == pytest.approx((figures["val_loss"], figures["val_accuracy"]), rel=1e-2)


def test_the_same_seed_gives_the_same_history_and_weights_and_another_seed_does_not(train):
    (one, _, first, _), (two, _, second, _) = train(), train()
    assert [[row[key] for key in KEYS] for row in first] == [[row[key] for key in KEYS] for row in second]
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), two.get_weights()))
    _, _, third, _ = train(train={**CONFIG["train"], "seed": 6})
    assert [row["train_loss"] for row in first] != [row["train_loss"] for row in third]


def test_the_weights_with_the_lowest_validation_loss_are_kept(train):
    _, figures, history, _ = train()
    lowest = min(history, key=lambda row: row["val_loss"])
    assert figures["best_epoch"] == lowest["epoch"]
    assert figures["val_loss"] == lowest["val_loss"]


def test_a_subset_trains_on_its_own_images_alone(train):
    _, figures, _, _ = train(images=8)
    assert figures["embed_seconds"] < train()[1]["embed_seconds"]


def test_seconds_include_the_share_of_the_embedding(train):
    _, figures, _, _ = train(views=3)
    assert figures["train_seconds"] > figures["embed_seconds"] > 0
    assert figures["views"] == 3
    part = train(views=3, images=8)[1]["embed_seconds"]
    assert part / figures["embed_seconds"] == pytest.approx((8 * 3 + 16) / (24 * 3 + 16))


def test_the_frozen_strategy_leaves_the_base_as_it_was(train):
    _, figures, history, _ = train(strategy="frozen")
    assert {row["phase"] for row in history} == {"frozen"}
    assert figures["unfrozen_blocks"] == 0


def test_a_phase_stops_when_validation_no_longer_improves(train):
    still = {"epochs": 50, "learning_rate": 1e-9, "patience": 2}
    _, figures, _, _ = train(frozen=still, strategy="frozen")
    assert figures["epochs_frozen"] < 50


def test_patience_is_counted_in_steps_too(train):
    still = {"epochs": 30, "learning_rate": 1e-9, "patience": 1}
    shared = {**CONFIG["train"], "patience_steps": 1000}
    assert train(frozen=still, train=shared, strategy="frozen")[1]["epochs_frozen"] == 30  # 3 steps an epoch


def test_gradual_unfreezing_goes_deeper_at_a_falling_rate_and_keeps_the_best(train):
    _, figures, history, (before, after) = train(strategy="gradual")
    phases = [row["phase"] for row in history]
    assert phases == ["frozen"] * 4 + ["gradual-1"] * 2 + ["gradual-2"] * 2
    rates = {row["phase"]: row["learning_rate"] for row in history}
    assert rates["gradual-1"] == pytest.approx(0.003)
    assert rates["gradual-2"] == pytest.approx(0.0015)
    assert figures["unfrozen_blocks"] == 2
    assert figures["val_loss"] == min(row["val_loss"] for row in history)
    assert all(np.array_equal(a, b) for a, b in zip(before, after))


@pytest.mark.parametrize("strategy", ["frozen", "textbook", "gradual"])
def test_the_predictions_are_those_of_the_classifier_that_is_exported(train, strategy, splits):
    model, *_ = train(strategy=strategy)
    data = feed.images(splits()["test"], bases.preprocess("compact"), 64)
    whole = model.predict(data.map(lambda values, _: values), verbose=0)
    np.testing.assert_allclose(train.probabilities, whole, atol=5e-3)


def test_the_clock_leaves_tracing_out_and_counts_it_apart(train):
    _, figures, history, _ = train()
    assert figures["setup_seconds"] > 0
    elapsed = [row["elapsed"] for row in history]
    assert elapsed == sorted(elapsed)
    assert figures["train_seconds"] == elapsed[-1]
    assert figures["cpu_seconds"] > 0


def test_the_first_step_is_no_training_even_where_an_epoch_has_one(train):
    shared = {**CONFIG["train"], "batch_size": 32}
    _, figures, history, _ = train(train=shared)  # 24 images: one step an epoch
    first = {row["phase"]: row for row in reversed(history)}["fine_tune"]
    before = history[first["epoch"] - 1]
    assert first["elapsed"] - before["elapsed"] < first["epoch_seconds"] / 2  # the rest is tracing
