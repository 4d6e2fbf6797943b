"""A base in inference mode is the same function, folded or not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from headstart.components.shared.base.cuts import suffix
from headstart.components.shared.base.inference import InInference


@pytest.fixture
def make(lively):
    def run(**options):
        settings = {"include_top": False, "weights": None, "input_shape": (64, 64, 3), **options}
        return lively(keras.applications.MobileNetV2(**settings))

    return run


def _images(count=2):
    return np.random.default_rng(1).uniform(-1, 1, (count, 64, 64, 3)).astype("float32")


def test_every_convolution_of_mobilenet_v2_is_folded(make):
    base = make()
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    assert len(InInference(base)._folded) == sum(type(layer) in kinds for layer in base.layers) == 52


def test_gradients_are_those_of_the_base_itself(make):
    base = make(alpha=0.35)
    top = suffix(base, 3)
    inputs = np.random.default_rng(2).uniform(-1, 1, (4, *top.input_shape[1:])).astype("float32")

    def gradients(call):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(call(inputs) ** 2)
        return tape.gradient(loss, [weight.value for weight in top.trainable_weights])

    wrapped = InInference(top)
    plain = gradients(lambda x: top(x, training=False))
    folded = gradients(lambda x: wrapped(x, training=True))
    for one, other in zip(folded, plain):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * np.abs(other).max())


def test_bfloat16_is_for_training_alone(make):
    base = make(alpha=0.35)
    wrapped = InInference(base, precision="bfloat16")
    still, trained = (wrapped(_images(), training=training).numpy() for training in (False, True))
    np.testing.assert_allclose(still, InInference(base)(_images()), rtol=1e-5, atol=1e-6)
    assert trained.dtype == np.float32
    error = np.abs(trained - still).max() / np.abs(still).max()
    assert 1e-4 < error < 0.1
