"""BatchNorm that trains in one TensorFlow kernel."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("headstart")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer; where it trains on images, TensorFlow's fused kernel does the work.

    Keras composes a training step of BatchNorm from a dozen operations. The fused kernel gives the same
    outputs, gradients and moving statistics, up to rounding, and a training step takes a third to a half less
    time on a CPU (docs/results.md). The class is named like Keras' own because Keras names the layers in a
    weights file after their classes.
    """

    def call(
        self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """As Keras' layer."""
        fusible = inputs.shape.rank == 4 and self.axis in (-1, 3) and self.scale and self.center
        if not (training and self.trainable and fusible) or mask is not None:
            return super().call(inputs, training=training, mask=mask)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            tf.convert_to_tensor(self.gamma),
            tf.convert_to_tensor(self.beta),
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(inputs) / inputs.shape[-1], variance.dtype)  # values of a channel
        variance *= (count - 1) / count  # the kernel's is the unbiased one
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + now * (1 - self.momentum))
        return outputs


def fused(base: keras.Model) -> keras.Model:
    """A copy of a base whose BatchNorm layers are fused, with the same weights."""

    def layer(one: keras.Layer) -> keras.Layer:
        normalises = type(one) is keras.layers.BatchNormalization
        return (BatchNormalization if normalises else type(one)).from_config(one.get_config())

    copy = keras.models.clone_model(base, clone_function=layer)
    copy.set_weights(base.get_weights())
    for one in copy.layers:
        if isinstance(one, keras.layers.Normalization):  # EfficientNet's: it computes with what this derives
            one.finalize_state()
    return copy
