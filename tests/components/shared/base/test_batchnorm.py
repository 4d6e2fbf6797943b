"""The fused BatchNorm computes what Keras' does."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from headstart.components.shared.base import bases
from headstart.components.shared.base.batchnorm import BatchNormalization, fused

VALUES = np.random.default_rng(0).normal(3, 2, (4, 3, 3, 5)).astype(np.float32)


def _step(layer, training):
    """Outputs, gradients by inputs and weights, and the moving statistics afterwards."""
    values = tf.constant(VALUES)
    with tf.GradientTape() as tape:
        tape.watch(values)
        outputs = layer(values, training=training)
        loss = tf.reduce_sum(outputs * tf.constant(VALUES[::-1].copy()))
    watched = [values, *(weight.value for weight in layer.trainable_weights)]
    return [outputs, *tape.gradient(loss, watched), *(weight.value for weight in layer.non_trainable_weights)]


@pytest.mark.parametrize("settings", [{}, {"scale": False}, {"momentum": 0.7, "epsilon": 0.1}])
@pytest.mark.parametrize("training, trainable", [(True, True), (True, False), (False, True)])
def test_it_computes_what_keras_does(settings, training, trainable):
    ours, theirs = BatchNormalization(**settings), keras.layers.BatchNormalization(**settings)
    for layer in (ours, theirs):
        layer.build(VALUES.shape)
        layer.trainable = trainable
    for mine, other in zip(_step(ours, training), _step(theirs, training), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)


def test_a_base_that_normalises_its_images_itself_keeps_its_mean_and_variance():
    inputs = keras.Input((8, 8, 3))
    normalise = keras.layers.Normalization()
    normalise.adapt(np.random.default_rng(2).normal(5, 3, (20, 8, 8, 3)))
    base = keras.Model(inputs, keras.layers.BatchNormalization()(normalise(inputs)))
    images = np.random.default_rng(3).normal(5, 3, (2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(fused(base)(images), base(images), atol=1e-5)


def test_statistics_of_other_than_images_are_keras_own():
    ours, theirs = BatchNormalization(), keras.layers.BatchNormalization()
    flat = VALUES.reshape(4, -1)
    np.testing.assert_allclose(ours(flat, training=True), theirs(flat, training=True), atol=1e-5)


def test_a_base_keeps_its_weights_its_answers_and_its_weights_file(tmp_path):
    base = bases.load("compact", "random", 32, {})
    copy = fused(base)
    kinds = {type(layer) for layer in copy.layers}
    assert BatchNormalization in kinds and keras.layers.BatchNormalization not in kinds
    images = np.random.default_rng(1).normal(size=(2, 32, 32, 3)).astype(np.float32)
    np.testing.assert_allclose(copy(images), base(images), atol=1e-5)
    copy.set_weights([weight + 1 for weight in copy.get_weights()])
    np.testing.assert_array_equal(base.get_weights()[0] + 1, copy.get_weights()[0])
    copy.save_weights(tmp_path / "base.weights.h5")
    base.load_weights(tmp_path / "base.weights.h5")
    for mine, other in zip(copy.get_weights(), base.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
