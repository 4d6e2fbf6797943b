"""Freezing, unfreezing and recompiling go together, and BatchNorm statistics never move."""

import keras
import numpy as np
import pytest

from headstart.components.shared.base import bases
from headstart.components.shared.base.cuts import blocks
from headstart.components.trainer.model import compile_unfrozen, join, make_head


@pytest.fixture
def parts():
    keras.utils.set_random_seed(0)
    base = bases.load("compact", "random", 32, {})
    head = make_head(base.output_shape[-1], 3, units=8, dropout=0.3, seed=0)
    return base, join(base, head)


def _statistics(base):
    return [w.numpy() for w in base.weights if "moving_" in w.path]


@pytest.mark.parametrize("depth", [0, 2, -1])
def test_training_moves_the_unfrozen_blocks_alone_and_no_batch_norm_statistics(parts, depth):
    base, model = parts
    unfrozen = compile_unfrozen(model, base, depth, learning_rate=0.01)
    before, statistics = [w.numpy() for w in base.weights], _statistics(base)
    images = np.random.default_rng(0).normal(size=(16, 32, 32, 3)).astype("float32")
    model.fit(images, np.arange(16) % 3, epochs=2, verbose=0)

    assert unfrozen == (4 if depth == -1 else depth)
    assert all(np.array_equal(a, b) for a, b in zip(statistics, _statistics(base)))
    thawed = {
        id(w)
        for block in blocks(base)[4 - unfrozen :]
        for layer in block
        for w in getattr(layer, "trainable_weights", ())
    }
    moved = {id(w) for w, old in zip(base.weights, before) if not np.array_equal(w.numpy(), old)}
    assert moved <= thawed
    assert bool(moved) == bool(unfrozen)


def test_the_classifier_answers_probabilities(parts):
    _, model = parts
    answer = model(np.zeros((2, 32, 32, 3), "float32")).numpy()
    assert answer.shape == (2, 3)
    np.testing.assert_allclose(answer.sum(axis=1), 1.0, rtol=1e-5)


def test_a_head_without_units_is_one_layer():
    head = make_head(5, 2, units=0, dropout=0.0, seed=0)
    assert head.count_params() == 5 * 2 + 2
