"""The classifier: base, new head, and the one function that freezes, unfreezes and recompiles."""

from __future__ import annotations

import keras

from components.base.cuts import blocks
from components.base.inference import InInference


def make_head(features: int, classes: int, units: int, dropout: float, seed: int) -> keras.Model:
    """Dense relu, Dropout, softmax, on pooled embeddings.

    Args:
        features: width of the pooled embedding.
        classes: number of classes.
        units: width of the hidden layer; 0 leaves it out.
        dropout: part of the values dropped while training.
        seed: of the dropout.

    Returns:
        A model, float32 [batch, features] to probabilities float32 [batch, classes].
    """
    layers: list[keras.Layer] = [keras.Input((features,))]
    if units:
        layers.append(keras.layers.Dense(units, activation="relu", name="hidden"))
    layers.append(keras.layers.Dropout(dropout, seed=seed))
    layers.append(keras.layers.Dense(classes, activation="softmax", name="probabilities"))
    return keras.Sequential(layers, name="head")


def join(base: keras.Model, head: keras.Model) -> keras.Model:
    """Base, global average pooling, head.

    The base's BatchNorm statistics never move, whichever of its weights are trained (Keras'
    transfer-learning guide).
    """
    inputs = keras.Input(base.input_shape[1:])
    pooled = keras.layers.GlobalAveragePooling2D(name="embedding")(InInference(base)(inputs))
    return keras.Model(inputs, head(pooled), name="classifier")


def compile_unfrozen(model: keras.Model, base: keras.Model, depth: int, learning_rate: float) -> int:
    """Unfreeze the base's top `depth` blocks, freeze the rest, and recompile: always together.

    Args:
        model: what `join` made.
        base: the base inside it.
        depth: blocks from the top; 0 is none, -1 or more than there are is all.
        learning_rate: of Adam.

    Returns:
        The number of blocks unfrozen.
    """
    found = blocks(base)
    depth = len(found) if depth < 0 else min(depth, len(found))
    base.trainable = True
    for index, block in enumerate(found):
        for layer in block:
            if isinstance(layer, keras.Layer):
                layer.trainable = index >= len(found) - depth
    compile_(model, learning_rate)
    return depth


def compile_(model: keras.Model, learning_rate: float) -> None:
    """Adam and cross-entropy on integer labels."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,  # on a CPU, XLA's 40 s of compilation are not earned back
    )
