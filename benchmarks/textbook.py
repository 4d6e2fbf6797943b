"""The two-phase script of the textbooks, as any Keras user would write it: frozen, then from layer 100."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import keras
import tensorflow as tf

from benchmarks.measure import Measured


def run(data: Path, weights: Path, size: int, seed: int) -> Measured:
    """Train on `data/train`, watch `data/validation`, judge on `data/test`.

    Args:
        data: folder of the three splits, one sub-folder a class.
        weights: of MobileNetV2 (alpha 1.0) without its top.
        size: side of the images, pixels.
        seed: of the head's weights, dropout and order.
    """
    keras.utils.set_random_seed(seed)
    started = time.perf_counter()
    splits = {}
    for name in ("train", "validation", "test"):
        splits[name] = keras.utils.image_dataset_from_directory(
            data / name,
            image_size=(size, size),
            batch_size=32,
            shuffle=name == "train",
            seed=seed,
            verbose=False,
        )
    classes, images = len(splits["train"].class_names), len(splits["test"].file_paths)
    splits = {name: split.prefetch(tf.data.AUTOTUNE) for name, split in splits.items()}

    base = keras.applications.MobileNetV2(input_shape=(size, size, 3), include_top=False, weights=None)
    base.load_weights(weights)
    base.trainable = False
    inputs = keras.Input((size, size, 3))
    x = keras.applications.mobilenet_v2.preprocess_input(inputs)
    x = base(x, training=False)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(128, activation="relu")(x)
    x = keras.layers.Dropout(0.3)(x)
    model = keras.Model(inputs, keras.layers.Dense(classes, activation="softmax")(x))

    def fit(rate: float) -> None:
        # XLA, which Keras would choose, takes several times as long on a CPU: the script is given its best.
        model.compile(
            keras.optimizers.Adam(rate),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=False,
        )
        model.fit(splits["train"], validation_data=splits["validation"], epochs=5, verbose=0)

    fit(1e-3)
    frozen = time.perf_counter() - started
    base.trainable = True
    for layer in base.layers[:100]:
        layer.trainable = False
    fit(1e-5)
    seconds = time.perf_counter() - started
    _, accuracy = model.evaluate(splits["test"], verbose=0)
    return Measured(seconds, accuracy, images, {"frozen": frozen, "fine_tune": seconds - frozen})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    Measured.main(parser, lambda given: run(given.data, given.weights, given.size, given.seed))
