"""The transform graph: decode, resize, keep uint8; class names to indices."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from headstart.components.shared.features import (
    GROUP,
    IMAGE,
    LABEL,
    LABEL_INDEX,
    PATH,
    PIXELS,
    RANK,
    VOCABULARY,
)


def preprocessing_fn(inputs: dict[str, Any], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """TFX's entry point: raw features to transformed features.

    Args:
        inputs: raw features; `image` and `label` are dense or sparse string tensors of one value a row.
        custom_config: `image_size`, pixels.

    Returns:
        `pixels` string [batch], raw uint8 bytes of [size, size, 3]; `label_index` int64 [batch];
        `path` and `group` string [batch] and `rank` int64 [batch], unchanged.
    """
    size = custom_config["image_size"]
    images = tf.map_fn(
        lambda encoded: as_bytes(decode(encoded, size)), _dense(inputs[IMAGE]), fn_output_signature=tf.string
    )
    index = tft.compute_and_apply_vocabulary(_dense(inputs[LABEL]), vocab_filename=VOCABULARY)
    unchanged = {name: _dense(inputs[name]) for name in (PATH, GROUP, RANK)}
    return {PIXELS: images, LABEL_INDEX: index, **unchanged}


def decode(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Decode one image and resize it to a square.

    Args:
        encoded: scalar string, a JPEG, PNG, GIF (its first frame is taken) or BMP.
        size: side of the result, pixels.

    Returns:
        uint8 [size, size, 3]. Grayscale is repeated to RGB; transparency is laid over white; the aspect
        ratio is not kept; area is averaged when shrinking (bilinear, antialiased).
    """
    image = tf.io.decode_image(encoded, channels=0, expand_animations=False)
    channels = tf.shape(image)[-1]
    has_alpha = tf.logical_or(tf.equal(channels, 2), tf.equal(channels, 4))
    colour = image[..., : channels - tf.cast(has_alpha, tf.int32)]
    colour = tf.cond(tf.shape(colour)[-1] < 3, lambda: tf.repeat(colour[..., :1], 3, axis=-1), lambda: colour)
    colour = tf.cast(colour, tf.float32)

    def over_white() -> tf.Tensor:
        alpha = tf.cast(image[..., -1:], tf.float32) / 255.0
        return colour * alpha + 255.0 * (1.0 - alpha)

    composed = tf.cond(has_alpha, over_white, lambda: colour)  # most images are spared the arithmetic
    composed.set_shape([None, None, 3])
    resized = tf.image.resize(composed, [size, size], antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(resized), 0.0, 255.0), tf.uint8)


def as_bytes(pixels: tf.Tensor) -> tf.Tensor:
    """Raw bytes of a uint8 tensor, row by row, as a scalar string: the inverse of `tf.io.decode_raw`.

    TensorFlow has no `encode_raw`. But a serialized tensor is a protocol buffer, whose field `tensor_content`
    has exactly these bytes (tensorflow/core/framework/tensor.proto).
    """
    serialized = tf.io.serialize_tensor(pixels)
    _, (content,) = tf.io.decode_proto(
        serialized, "tensorflow.TensorProto", ["tensor_content"], output_types=[tf.string]
    )
    return content[0]


def _dense(feature: Any) -> tf.Tensor:
    if isinstance(feature, tf.SparseTensor):
        default = "" if feature.dtype == tf.string else -1
        feature = tf.sparse.to_dense(feature, default_value=tf.constant(default, feature.dtype))
    return tf.reshape(feature, [-1])
