"""The demo's base: a small convolutional network for small images, in the manner of `keras.applications`."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import keras

# Output channels and stride of each block: three halvings, as deep as 32 pixels allow.
BLOCKS = ((24, 2), (48, 1), (96, 2), (96, 1), (160, 2), (192, 1))

Tensor = TypeVar("Tensor")


def compact(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    include_top: bool = False,
    weights: str | Path | None = None,
) -> keras.Model:
    """Six blocks of 3x3 convolution, BatchNorm and ReLU; 0.55 million parameters.

    Layers are named `block<n>_conv`, `block<n>_bn` and `block<n>_relu`, n from 1 (bottom) to 6 (top). No
    connection skips a block, so any block boundary is a valid cut.

    Args:
        input_shape: height, width and channels; each side is best a multiple of 8.
        include_top: as in `keras.applications`; only False is supported.
        weights: a `.weights.h5` file saved from this architecture, or None for random weights.

    Returns:
        A functional model "compact": float [n, h, w, c], as `preprocess_input` leaves it, to the feature
        map, float32 [n, h / 8, w / 8, 192], each side rounded up, values >= 0.

    Raises:
        ValueError: `include_top` was asked for.
    """
    if include_top:
        raise ValueError("compact has no top: its source task's classes are of no use elsewhere.")
    inputs = x = keras.Input(input_shape, name="input")
    for number, (channels, stride) in enumerate(BLOCKS, start=1):
        name = f"block{number}"
        x = keras.layers.Conv2D(
            channels, 3, strides=stride, padding="same", use_bias=False, name=f"{name}_conv"
        )(x)
        # Written out, since 0.999 as in MobileNetV2 leaves a short training's statistics at their start.
        x = keras.layers.BatchNormalization(momentum=0.99, name=f"{name}_bn")(x)
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    model = keras.Model(inputs, x, name="compact")
    if weights is not None:
        model.load_weights(weights)
    return model


def preprocess_input(x: Tensor) -> Tensor:
    """Scale 0..255 to -1..1.

    Args:
        x: floats of any shape in 0..255: a numpy array, a tensor or a KerasTensor; left unchanged.
    """
    return x / 127.5 - 1.0  # type: ignore[operator, return-value]
