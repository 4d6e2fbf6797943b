"""Training from scratch on a task small enough to be learnt in seconds."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.base import bases
from components.features import SPLITS
from components.pixels import Pixels
from components.trainer import scratch

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
    "shift": 0.1,
    "zoom": 0.1,
    "contrast": 0.1,
}
CONFIG = {
    "augment": {"views": 0, "flip": False, "shift": 0.5, "zoom": 0.5, "contrast": 0.5},
    "scratch": SETTINGS,
    "train": {"seed": 5, "batch_size": 8, "patience_steps": 1, "precision": "auto"},
}


class Images:
    """Stands for a split of the store: paths and labels."""

    def __init__(self, folder, name):
        self.paths, self.labels = [], []
        for file in sorted((folder / f"Split-{name}").iterdir()):
            for record in tf.data.TFRecordDataset(str(file), "GZIP").as_numpy_iterator():
                feature = tf.train.Example.FromString(record).features.feature
                self.paths.append(feature["path"].bytes_list.value[0].decode())
                self.labels.append(feature["label_index"].int64_list.value[0])
        self.labels = np.array(self.labels)

    def __len__(self):
        return len(self.paths)


@pytest.fixture
def train(examples, tmp_path):
    def run(**changes):
        config = {**CONFIG, "scratch": {**SETTINGS, **changes}}
        base = bases.load("compact", "random", 16, {}, seed=5)
        keras.utils.set_random_seed(5)
        tf.config.experimental.enable_op_determinism()
        run.base = base
        run.before = [w.numpy() for w in base.weights]
        splits = {name: Images(examples, name) for name in SPLITS}
        run.test = splits["test"]
        return scratch.train(
            base,
            bases.preprocess("compact"),
            splits,
            lambda split, name: Pixels([f"{examples}/Split-{name}/*"], split.paths, 16, tmp_path),
            2,
            config,
        )

    return run


def test_it_learns_the_task_with_the_rate_that_it_found(train):
    _, progression, figures, probabilities = train()
    assert figures["learning_rate_found"] == 0.05
    assert figures["rates_tried"] == 2
    assert progression.best.val_accuracy == 1.0
    assert (probabilities.argmax(axis=1) == train.test.labels).mean() == 1.0


def test_all_of_the_base_is_trained_batch_norm_statistics_too(train):
    train()
    assert not any(np.array_equal(a, b.numpy()) for a, b in zip(train.before, train.base.weights))
    norms = [layer for layer in train.base.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in norms} == {0.9}


def test_the_search_is_counted_apart_from_the_training(train):
    _, progression, figures, _ = train()
    assert figures["tuning_seconds"] > 0
    assert figures["train_seconds"] == progression.history[-1].elapsed
    assert len(progression.history) == 4  # epochs of 10 steps or a little more, for 40 steps


def test_on_few_images_an_epoch_is_several_passes(train):
    _, _, figures, _ = train(epoch_steps=10)
    assert figures["passes"] == 4  # 24 images in batches of 8


def test_the_learning_rate_rises_and_then_falls_to_zero(train):
    _, progression, _, _ = train(epochs=10, steps=1)
    rates = [row.learning_rate for row in progression.history]
    assert rates == sorted(rates, reverse=True)  # the rise is within the first epoch
    assert rates[-1] < 0.1 * rates[0]


def test_the_weights_with_the_highest_validation_accuracy_are_kept(train):
    _, progression, figures, _ = train()
    assert figures["val_accuracy"] == max(row.val_accuracy for row in progression.history)


def test_the_same_seed_gives_the_same_answers(train):
    assert np.array_equal(train()[3], train()[3])


@pytest.mark.parametrize(
    "found, rate",
    [
        ({0.05: 0.60, 0.1: 0.51, 0.2: 0.49}, 0.1),  # the standard error is 4.9 points
        ({0.05: 0.60, 0.1: 0.49, 0.2: 0.56}, 0.2),
        ({0.05: 0.60, 0.1: 0.49, 0.2: float("nan")}, 0.05),
        ({0.05: 0.17, 0.1: 0.15, 0.2: 0.10}, 0.05),  # guessing is 0.1, two deviations 0.06
        ({0.05: 0.12, 0.1: 0.15, 0.2: 0.16}, 0.05),  # none has learnt
        ({0.05: float("nan"), 0.1: float("nan")}, 0.05),
    ],
)
def test_of_rates_that_cannot_be_told_apart_the_highest_that_has_learnt_is_taken(found, rate):
    assert scratch._chosen(found, 10, 100) == rate


def test_the_head_of_scratch_has_a_width_of_its_own(train):
    model, *_ = train(units=5)
    assert model.get_layer("head").get_layer("hidden").units == 5
    model, *_ = train(units=0)
    assert [layer.name for layer in model.get_layer("head").layers if layer.weights] == ["probabilities"]


def test_where_the_network_stays_at_chance_a_quarter_of_the_rate_is_tried_twice(train, monkeypatch):
    monkeypatch.setattr(scratch, "_beyond_guessing", lambda *_: False)
    _, _, figures, _ = train(learning_rates=[0.16])
    assert figures["learning_rate_found"] == 0.01
    assert figures["rates_collapsed"] == 2 and figures["rates_tried"] == 3


def test_a_rate_that_was_given_up_is_counted_as_a_search(train, monkeypatch):
    learnt = iter([True, False, True])  # in the search, at the rate, at a quarter of it
    monkeypatch.setattr(scratch, "_beyond_guessing", lambda *_: next(learnt))
    _, progression, figures, _ = train(learning_rates=[0.05])
    assert figures["learning_rate_found"] == 0.0125
    assert figures["rates_collapsed"] == 1
    assert progression.best.val_accuracy == 1.0
    assert figures["train_seconds"] == progression.history[-1].elapsed
    assert figures["tuning_seconds"] > 0
    assert len(progression.history) == 4
