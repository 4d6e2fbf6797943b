"""Training from scratch on a task small enough to be learnt in seconds."""

from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

from headstart.components.shared.base import bases
from headstart.components.trainer import scratch
from headstart.components.trainer.progression import Progression

pytestmark = pytest.mark.slow

SETTINGS = {
    "units": 0,
    "dropout": 0.0,
    "epochs": 2,
    "steps": 40,
    "learning_rates": [1e-9, 0.05],
    "search_steps": 12,
    "weight_decay": 0.01,
    "patience": 50,
    "patience_steps": 1,
    "epoch_steps": 10,
    "batchnorm_momentum": 0.9,
}
CONFIG = {
    "strategy": "scratch",
    "augment": {"flip": False, "shift": 0.1, "zoom": 0.1, "contrast": 0.1},
    "scratch": SETTINGS,
    "train": {"seed": 5, "batch_size": 8, "patience_steps": 1, "precision": "auto"},
}


class Run(NamedTuple):
    model: keras.Model
    progression: Progression
    figures: dict
    probabilities: np.ndarray
    base: keras.Model
    before: list  # the base's weights


@pytest.fixture(scope="module")
def train(splits):
    """The same training is done once, unless it is to be `again`."""
    known = {}

    def run(strategy="scratch", again=False, **changes):
        config = {**CONFIG, "strategy": strategy, "scratch": {**SETTINGS, **changes}}
        key = repr(config)
        if again or key not in known:
            known[key] = fresh(config)
        return known[key]

    def fresh(config):
        base = bases.load("compact", "random", 16, {}, seed=5)
        keras.utils.set_random_seed(5)
        tf.config.experimental.enable_op_determinism()
        before = [w.numpy() for w in base.weights]
        return Run(*scratch.train(base, bases.preprocess("compact"), splits(), 2, config), base, before)

    return run


def test_it_learns_the_task_with_the_rate_that_it_found(train, splits):
    _, progression, figures, probabilities, *_ = train()
    assert figures["learning_rate_found"] == 0.05
    assert figures["rates_tried"] == 2
    assert progression.best.val_accuracy == 1.0
    assert (probabilities.argmax(axis=1) == splits()["test"].labels).mean() == 1.0


def test_all_of_the_base_is_trained_batch_norm_statistics_too(train):
    run = train()
    assert not any(np.array_equal(a, b.numpy()) for a, b in zip(run.before, run.base.weights))
    norms = [layer for layer in run.base.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in norms} == {0.9}


def test_the_search_is_counted_apart_from_the_training(train):
    _, progression, figures, *_ = train()
    assert figures["tuning_seconds"] > 0
    assert figures["train_seconds"] == progression.history[-1].elapsed
    assert len(progression.history) == 4  # epochs of 10 steps or a little more, for 40 steps


def test_on_few_images_an_epoch_is_several_passes(train):
    assert train().figures["passes"] == 4  # 24 images in batches of 8


def test_the_learning_rate_rises_and_then_falls_to_zero(train):
    rates = [row.learning_rate for row in train(epochs=10, steps=1).progression.history]
    assert rates == sorted(rates, reverse=True)  # the rise is within the first epoch
    assert rates[-1] < 0.1 * rates[0]


def test_the_weights_with_the_highest_validation_accuracy_are_kept(train):
    _, progression, figures, *_ = train()
    assert figures["val_accuracy"] == max(row.val_accuracy for row in progression.history)


def test_the_same_seed_gives_the_same_answers(train):
    assert np.array_equal(train().probabilities, train(again=True).probabilities)


def test_the_head_of_scratch_has_a_width_of_its_own(train):
    model = train(units=5).model
    assert model.get_layer("head").get_layer("hidden").units == 5
    model = train().model
    assert [layer.name for layer in model.get_layer("head").layers if layer.weights] == ["probabilities"]


def test_as_a_control_the_baseline_is_trained_with_a_head_that_sees_the_blocks(train):
    run = train("scratch_blocks", learning_rates=[0.05], steps=100)
    # The upper two of four blocks: 160 and 192 channels on a map of 2 x 2.
    assert run.model.get_layer("head").input_shape == (None, 4 * (160 + 192))
    assert run.figures["val_accuracy"] > 0.75  # half of the images are of each class
    assert not any(np.array_equal(a, b.numpy()) for a, b in zip(run.before, run.base.weights))


def test_the_predictions_are_those_of_the_classifier_that_is_exported(train, splits):
    run = train()
    images = bases.preprocess("compact")(splits()["test"].pixels(np.arange(16)).astype(np.float32))
    np.testing.assert_allclose(run.model(images), run.probabilities, atol=1e-4)
