"""One cycle of the learning rate, and the search for its height."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from headstart.components.trainer import search
from headstart.components.trainer.progression import Data, Progression

PLAN = search.Plan(
    rates=(0.05,),
    search_steps=4,
    steps=20,
    epoch_steps=5,
    weight_decay=0.0,
    clip_norm=None,
    patience=50,
    patience_steps=1,
)


@pytest.fixture
def train():
    """Trains a linear classifier of two clouds of points."""

    def run(**changes):
        keras.utils.set_random_seed(0)
        rng = np.random.default_rng(0)
        labels = np.arange(40) % 2
        points = rng.normal(size=(40, 3)).astype(np.float32) + 3 * labels[:, None]
        whole = tf.data.Dataset.from_tensor_slices((points, labels)).batch(8)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
        progression = Progression(model, by="val_accuracy")
        plan = search.Plan(**{**PLAN.__dict__, **changes})
        figures = search.train(model, progression, "cycle", plan, Data(whole, whole, whole, whole), 2, 40)
        return progression, figures

    return run


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
    assert search.chosen(found, 10, 100) == rate


def test_a_single_rate_is_not_searched(train):
    progression, figures = train()
    assert figures == {"learning_rate_found": 0.05, "rates_tried": 1, "rates_collapsed": 0}
    assert len(progression.history) == 4


def test_every_rate_of_several_is_tried_from_the_same_weights(train):
    progression, figures = train(rates=(1e-9, 0.05))
    assert figures["learning_rate_found"] == 0.05
    assert figures["rates_tried"] == 2
    assert progression.tuning.seconds > 0
    alone, _ = train()
    losses = [[row.train_loss for row in one.history] for one in (progression, alone)]
    assert losses[0] == pytest.approx(losses[1])


def test_the_rate_rises_for_a_tenth_of_the_steps_and_falls_to_zero(train):
    cycle = search.Cycle(0.5, 100)
    cycle.set_model(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))
    cycle.model.compile(keras.optimizers.SGD())
    rates = []
    for step in range(100):
        cycle.on_train_batch_begin(step)
        rates.append(float(cycle.model.optimizer.learning_rate))
    assert np.argmax(rates) in (9, 10)
    assert max(rates) == pytest.approx(0.5)
    assert rates[0] == pytest.approx(0.05) and rates[-1] < 0.001
    assert (np.diff(rates[10:]) < 0).all()


def test_where_the_network_stays_at_chance_a_quarter_of_the_rate_is_tried_twice(train, monkeypatch):
    monkeypatch.setattr(search, "_beyond_guessing", lambda *_: False)
    _, figures = train(rates=(0.16,))
    assert figures == {"learning_rate_found": 0.01, "rates_tried": 3, "rates_collapsed": 2}


def test_a_rate_that_was_given_up_is_counted_as_a_search(train, monkeypatch):
    learnt = iter([False, True])  # at the rate, at a quarter of it
    monkeypatch.setattr(search, "_beyond_guessing", lambda *_: next(learnt))
    progression, figures = train()
    assert figures["learning_rate_found"] == 0.0125
    assert figures["rates_collapsed"] == 1
    assert progression.tuning.seconds > 0
    assert len(progression.history) == 4  # of the second try alone
