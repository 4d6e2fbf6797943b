"""A base in inference mode, to be run and to be trained: BatchNorm folded into convolutions."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from headstart.components.shared.base.graph import Graph


@dataclass(frozen=True)
class _Pending:
    """A convolution that waits for the BatchNorm after it."""

    layer: keras.Layer
    inputs: tf.Tensor


class InInference(keras.layers.Layer):
    """Calls a base as `base(inputs, training=False)` would, whatever the model around it is doing.

    `base(inputs, training=False)` in a functional model is not enough: since Keras 3, `fit` passes its own
    `training=True` on to every operation, and the BatchNorm statistics of unfrozen blocks move. Here they
    are constants: a BatchNorm in inference mode is a factor and an offset for each channel, so it goes into
    the kernel of the convolution before it, as a function of gamma and beta through which gradients flow.
    That is the same function with fewer passes over the activations.
    """

    def __init__(self, base: keras.Model, precision: str = "float32"):
        """Wrap a base, whose layers and weights stay its own.

        Args:
            base: a functional model.
            precision: of convolutions while training, "float32" or "bfloat16"; weights, gradients and
                whatever is not training stay float32.
        """
        super().__init__(name="base")
        self.base = base
        self.precision = precision
        self._graph = Graph(base)
        self._folded = _foldable(self._graph)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Normalised pixels, or activations at a cut, to feature maps, float32."""
        dtype = tf.as_dtype(self.precision if training else "float32")
        outputs = self._graph.run(inputs, partial(self._operation, dtype=dtype))
        return tf.nest.map_structure(lambda output: tf.cast(output, tf.float32), outputs)

    def _operation(self, operation: keras.Operation, dtype: tf.DType) -> Callable[..., Any]:
        """What to do in place of an operation of the base."""
        if id(operation) in self._folded:
            return partial(_Pending, operation)
        if isinstance(operation, keras.layers.BatchNormalization):
            return lambda inputs, **_: _normalise(operation, inputs, dtype)
        if isinstance(operation, keras.Layer) and not operation.weights:
            # Its own `__call__` would turn bfloat16 back into float32.
            stochastic = "training" in inspect.signature(operation.call).parameters
            return partial(operation.call, training=False) if stochastic else operation.call
        return operation


def _foldable(graph: Graph) -> set[int]:
    """Convolutions whose output goes to a BatchNorm and nowhere else, at every call, by id."""
    uses = Counter(id(tensor) for call in graph.calls for tensor in call.inputs)
    uses.update(map(id, keras.tree.flatten(graph.outputs)))
    normalised = {
        id(tensor)
        for call in graph.calls
        if isinstance(call.operation, keras.layers.BatchNormalization)
        for tensor in call.inputs
        if uses[id(tensor)] == 1
    }
    plain = [call for call in graph.calls if _is_plain(call.operation)]
    others = {id(call.operation) for call in plain if id(call.outputs) not in normalised}
    return {id(call.operation) for call in plain} - others


def _is_plain(layer: keras.Operation) -> bool:
    return (
        type(layer) in (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
        and layer.activation is keras.activations.linear
        and getattr(layer, "groups", 1) == 1
        and layer.data_format == "channels_last"
    )


def _normalise(norm: keras.layers.BatchNormalization, inputs: Any, dtype: tf.DType) -> tf.Tensor:
    """BatchNorm in inference mode: gamma (x - mean) / sqrt(variance + epsilon) + beta (arXiv:1502.03167)."""
    factor = tf.math.rsqrt(tf.convert_to_tensor(norm.moving_variance) + norm.epsilon)
    if norm.scale:
        factor *= tf.convert_to_tensor(norm.gamma)
    offset = -tf.convert_to_tensor(norm.moving_mean) * factor
    if norm.center:
        offset += tf.convert_to_tensor(norm.beta)
    if not isinstance(inputs, _Pending):
        return inputs * tf.cast(factor, inputs.dtype) + tf.cast(offset, inputs.dtype)
    layer = inputs.layer
    if layer.use_bias:
        offset += tf.convert_to_tensor(layer.bias) * factor
    kernel, images = tf.convert_to_tensor(layer.kernel), tf.cast(inputs.inputs, dtype)
    strides, dilations = [1, *layer.strides, 1], layer.dilation_rate
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        kernel = tf.cast(kernel * tf.reshape(factor, kernel.shape[2:]), dtype)
        made = tf.nn.depthwise_conv2d(images, kernel, strides, layer.padding.upper(), dilations=dilations)
    else:
        kernel = tf.cast(kernel * factor, dtype)
        made = tf.nn.conv2d(images, kernel, strides, layer.padding.upper(), dilations=dilations)
    return tf.nn.bias_add(made, tf.cast(offset, dtype))
