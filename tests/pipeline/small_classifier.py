"""A real SavedModel with the served signature: the product's own decoding, then random weights."""

from __future__ import annotations

from pathlib import Path

LABELS = ["circle", "square", "stripe"]
_SIDE = 8  # pixels


def save(folder: Path, seed: int = 0) -> Path:
    """Write a SavedModel; each seed answers otherwise."""
    import tensorflow as tf

    from headstart.components.trainer.pixel_limit import within_pixel_limit
    from headstart.components.transform.preprocessing import decode

    labels = tf.constant(LABELS)
    weights = tf.random.stateless_normal([_SIDE * _SIDE * 3, len(LABELS)], [seed, 0], stddev=0.2)

    class Small(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")], autograph=False)
        def serving_default(self, image):
            pixels = tf.map_fn(
                lambda encoded: tf.ensure_shape(decode(encoded, _SIDE), [_SIDE, _SIDE, 3]),
                within_pixel_limit(image),
                fn_output_signature=tf.uint8,
            )
            flat = tf.reshape(tf.cast(pixels, tf.float32) / 255, [-1, _SIDE * _SIDE * 3])
            probabilities = tf.nn.softmax(flat @ weights)
            return {
                "label": tf.gather(labels, tf.argmax(probabilities, axis=-1)),
                "probabilities": probabilities,
                "labels": tf.tile(labels[tf.newaxis], [tf.shape(image)[0], 1]),
            }

    small = Small()
    tf.saved_model.save(small, str(folder), signatures={"serving_default": small.serving_default})
    return folder
