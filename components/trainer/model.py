"""The classifier: base, new head, and the one function that freezes, unfreezes and recompiles."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from headstart.components.shared.base.cuts import blocks
from headstart.components.shared.base.inference import InInference
from headstart.components.shared.base.pooling import Pool, outputs
from headstart.components.shared.features import Feature


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


def join_blocks(
    base: keras.Model, features: Sequence[Feature], weights: np.ndarray, bias: np.ndarray
) -> keras.Model:
    """Base, the outputs of some of its blocks pooled to grids, one dense layer. No part of it is trained.

    Args:
        base: the base.
        features: blocks with their grids, in the order of the weights' rows.
        weights: float32 [features, classes], scaling of the features included.
        bias: float32 [classes].

    Returns:
        A model, normalised pixels float32 [batch, size, size, 3] to probabilities float32 [batch, classes].
    """
    ends = outputs(base)
    inputs = keras.Input(base.input_shape[1:])
    seen = keras.Model(base.input, [ends[block] for block, _ in features])
    maps = keras.tree.flatten(InInference(seen)(inputs))
    pooled = [Pool(min(grid, *part.shape[1:3]))(part) for part, (_, grid) in zip(maps, features)]
    values = keras.layers.Concatenate()(pooled) if len(pooled) > 1 else pooled[0]
    head = keras.layers.Dense(len(bias), activation="softmax", name="probabilities")
    model = keras.Model(inputs, head(values), name="classifier")
    head.set_weights([weights, bias])
    model.trainable = False
    return model


def unfreeze(base: keras.Model, depth: int) -> int:
    """Make the base's top `depth` blocks trainable, and nothing else of it; to be followed by a compilation.

    Args:
        base: the base.
        depth: blocks from the top; 0 is none, -1 or more than there are is all.

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
    return depth


def compile_unfrozen(model: keras.Model, base: keras.Model, depth: int, learning_rate: float) -> int:
    """Unfreeze the base's top `depth` blocks, freeze the rest, and recompile: always together.

    Args:
        model: what `join` made.
        base: the base inside it.
        depth: as in `unfreeze`.
        learning_rate: of Adam.

    Returns:
        The number of blocks unfrozen.
    """
    depth = unfreeze(base, depth)
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
