"""Both phases on a task small enough to be learnt in seconds."""

from typing import NamedTuple

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

pytestmark = pytest.mark.slow

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


class Run(NamedTuple):
    model: keras.Model
    figures: dict
    history: list
    before: list  # BatchNorm statistics
    after: list
    probabilities: np.ndarray


@pytest.fixture(scope="module")
def train(splits, embed, tmp_path_factory):
    """Trains on a store of `depth` and `views`, or from the images; changes go into the configuration.

    The same training is done once, unless it is to be `again`.
    """
    stores, known = tmp_path_factory.mktemp("stores"), {}

    def run(depth=2, views=1, images=24, again=False, **changes):
        config = {**CONFIG, **changes}
        key = repr((depth, views, images, config))
        if again or key not in known:
            known[key] = fresh(depth, views, images, config)
        return known[key]

    def fresh(depth, views, images, config):
        base = bases.load("compact", "random", 16, {})
        folder = stores / f"{depth}-{views}"
        if not folder.exists():
            embed(folder, depth=depth, views=views)
        keras.utils.set_random_seed(config["train"]["seed"])
        tf.config.experimental.enable_op_determinism()
        before = [w.numpy() for w in base.weights if "moving_" in w.path]
        opened = Store(folder)
        subset = [f"train/{rank:02}" for rank in range(images)]
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
        return Run(model, figures, rows(progression.history), before, after, probabilities)

    return run


KEYS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")


@pytest.mark.parametrize("pixels", [False, True])
def test_both_phases_leave_batch_norm_statistics_bitwise_unchanged(train, pixels):
    _, figures, _, before, after, _ = train(pixels=pixels)
    assert figures["epochs_frozen"] == 4
    assert figures["epochs"] == 4 + 3
    assert figures["from_pixels"] == pixels
    assert len(before) == 12
    assert all(np.array_equal(a, b) for a, b in zip(before, after))


def test_stored_activations_and_pixels_give_the_same_loss_curve_within_float16_error(train):
    slow = {**CONFIG["textbook"], "epochs": 6, "learning_rate": 3e-4}
    # One hidden unit that lives or dies by a rounding error would be another curve: so many units.
    head = {"kind": "dense", "units": 64, "dropout": 0.3}
    stored, seen = train(textbook=slow, head=head), train(textbook=slow, head=head, pixels=True)
    assert (stored.figures["from_pixels"], seen.figures["from_pixels"]) == (0, 1)
    for a, b in zip(stored.history, seen.history):
        assert (a["train_loss"], a["val_loss"]) == pytest.approx((b["train_loss"], b["val_loss"]), rel=5e-3)
    losses = [row["train_loss"] for row in stored.history if row["phase"] == "fine_tune"]
    assert losses[-1] < 0.9 * losses[0]  # or the two would agree by standing still


def test_the_exported_model_is_prefix_and_suffix_together(train, splits):
    run = train()
    data = feed.images(splits()["validation"], bases.preprocess("compact"), 64)
    compile_(run.model, 0.1)
    found = run.model.evaluate(data, verbose=0)
    assert found == pytest.approx([run.figures["val_loss"], run.figures["val_accuracy"]], rel=1e-2)


def test_the_same_seed_gives_the_same_history_and_weights_and_another_seed_does_not(train):
    one, two, other = train(), train(again=True), train(train={**CONFIG["train"], "seed": 6})
    for a, b in zip(one.history, two.history):
        assert [a[key] for key in KEYS] == [b[key] for key in KEYS]
    assert all(np.array_equal(a, b) for a, b in zip(one.model.get_weights(), two.model.get_weights()))
    assert [row["train_loss"] for row in one.history] != [row["train_loss"] for row in other.history]


def test_the_weights_with_the_lowest_validation_loss_are_kept(train):
    _, figures, history, *_ = train()
    lowest = min(history, key=lambda row: row["val_loss"])
    assert figures["best_epoch"] == lowest["epoch"]
    assert figures["val_loss"] == lowest["val_loss"]


def test_a_subset_trains_on_its_own_images_alone(train):
    assert train(images=8).figures["embed_seconds"] < train().figures["embed_seconds"]


def test_seconds_include_the_share_of_the_embedding(train):
    figures = train(views=3).figures
    assert figures["train_seconds"] > figures["embed_seconds"] > 0
    assert figures["views"] == 3
    part = train(views=3, images=8).figures["embed_seconds"]
    assert part / figures["embed_seconds"] == pytest.approx((8 * 3 + 16) / (24 * 3 + 16))


def test_the_frozen_strategy_leaves_the_base_as_it_was(train):
    _, figures, history, *_ = train(strategy="frozen")
    assert {row["phase"] for row in history} == {"frozen"}
    assert figures["unfrozen_blocks"] == 0


def test_a_phase_stops_when_validation_no_longer_improves(train):
    still = {"epochs": 50, "learning_rate": 1e-9, "patience": 2}
    assert train(frozen=still, strategy="frozen").figures["epochs_frozen"] < 50


def test_patience_is_counted_in_steps_too(train):
    still = {"epochs": 30, "learning_rate": 1e-9, "patience": 1}
    shared = {**CONFIG["train"], "patience_steps": 1000}
    figures = train(frozen=still, train=shared, strategy="frozen").figures
    assert figures["epochs_frozen"] == 30  # 3 steps an epoch


def test_gradual_unfreezing_goes_deeper_at_a_falling_rate_and_keeps_the_best(train):
    _, figures, history, before, after, _ = train(strategy="gradual")
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
    run = train(strategy=strategy)
    data = feed.images(splits()["test"], bases.preprocess("compact"), 64)
    whole = run.model.predict(data.map(lambda values, _: values), verbose=0)
    np.testing.assert_allclose(run.probabilities, whole, atol=5e-3)


def test_the_clock_leaves_tracing_out_and_counts_it_apart(train):
    _, figures, history, *_ = train()
    assert figures["setup_seconds"] > 0
    elapsed = [row["elapsed"] for row in history]
    assert elapsed == sorted(elapsed)
    assert figures["train_seconds"] == elapsed[-1]
    assert figures["cpu_seconds"] > 0


def test_the_first_step_is_no_training_even_where_an_epoch_has_one(train):
    shared = {**CONFIG["train"], "batch_size": 32}
    history = train(train=shared).history  # 24 images: one step an epoch
    first = {row["phase"]: row for row in reversed(history)}["fine_tune"]
    before = history[first["epoch"] - 1]
    assert first["elapsed"] - before["elapsed"] < first["epoch_seconds"] / 2  # the rest is tracing
