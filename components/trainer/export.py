"""The served model: encoded images in, labels and probabilities out, preprocessing inside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved.saved_transform_io_v2 import SavedModelLoader

from headstart.components.shared.features import IMAGE, LABEL, LABEL_INDEX, PIXELS, VOCABULARY
from headstart.components.trainer.pixel_limit import within_pixel_limit

EXTRA = "assets.extra"  # of a SavedModel: files that servers ignore


class Served(tf.Module):
    """A classifier with the transform graph in front of it, as one SavedModel.

    Training reads what the transform graph wrote, and `serving_default` runs that same graph, so the two
    cannot preprocess differently.
    """

    def __init__(self, model: keras.Model, normalise: Any, transform: tft.TFTransformOutput, image_size: int):
        """Hold everything that the two signatures track.

        Args:
            model: normalised pixels to probabilities.
            normalise: the base's preprocessing, on float32 of 0…255.
            transform: the transform graph.
            image_size: side, pixels.
        """
        super().__init__()
        self._model = model
        self._normalise = normalise
        self._size = image_size
        # TFT's layer does the same. But it is a Keras 2 model, which takes seconds to save.
        self._transform_graph = SavedModelLoader(transform.transform_savedmodel_dir)
        self._resources = vars(self._transform_graph)  # so that the vocabulary is saved with this module
        self._raw = transform.raw_feature_spec()
        self._labels = tf.constant(labels(transform))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=IMAGE)], autograph=False)
    def serving_default(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classify encoded images.

        Args:
            image: string [batch]: JPEG, PNG, GIF or BMP files.

        Returns:
            `label` string [batch], `probabilities` float32 [batch, classes], `labels` string
            [batch, classes], the classes that the probabilities belong to. An image of more than
            `MAX_PIXELS`, or one that TensorFlow cannot decode, is an InvalidArgumentError of the whole batch.
        """
        pixels = self._transform(IMAGE, within_pixel_limit(image))[PIXELS]
        pixels = tf.reshape(tf.io.decode_raw(pixels, tf.uint8), [-1, self._size, self._size, 3])
        probabilities = self.classify(pixels)
        return {
            "label": tf.gather(self._labels, tf.argmax(probabilities, axis=-1)),
            "probabilities": probabilities,
            "labels": tf.tile(self._labels[tf.newaxis], [tf.shape(image)[0], 1]),
        }

    @tf.function(
        input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, name=PIXELS)], autograph=False
    )
    def classify(self, pixels: tf.Tensor) -> tf.Tensor:
        """Decoded and resized images, uint8 [batch, size, size, 3], to float32 [batch, classes]."""
        pixels = tf.ensure_shape(pixels, [None, self._size, self._size, 3])  # pooling needs to know
        return self._model(self._normalise(tf.cast(pixels, tf.float32)), training=False)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")], autograph=False)
    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serialized raw `tf.train.Example`s to what evaluation compares: `label_index` int64 [batch]."""
        parsed = tf.io.parse_example(examples, {LABEL: tf.io.FixedLenFeature([], tf.string)})
        return {LABEL_INDEX: self._transform(LABEL, parsed[LABEL])[LABEL_INDEX]}

    def _transform(self, name: str, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """What the transform graph makes of one raw feature, string [batch]."""
        rows = tf.reshape(values, [-1, *self._raw[name].shape])
        return self._transform_graph.apply_transform_model({name: rows})


def labels(transform: tft.TFTransformOutput) -> list[str]:
    """Class names in the order of their indices."""
    return [name.decode() for name in transform.vocabulary_by_name(VOCABULARY)]


def save(served: Served, base: keras.Model, folder: Path) -> None:
    """Write the SavedModel, and beside it the base's weights, for studies that start from this model.

    Args:
        served: the classifier.
        base: the base inside it; its weights go to `assets.extra/base.weights.h5`, which servers ignore.
        folder: a new folder.
    """
    signatures = {"serving_default": served.serving_default, "transform_features": served.transform_features}
    tf.saved_model.save(served, str(folder), signatures=signatures)
    extra = folder / EXTRA
    extra.mkdir()
    base.save_weights(extra / "base.weights.h5")
