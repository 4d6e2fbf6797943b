"""Pretrained bases: any `keras.applications` model by name, and our own `compact`."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from headstart.components.shared.base import compact
from headstart.components.shared.errors import HeadstartError

# Those of keras.applications whose `default_size`, or input of their papers, is not 224; and our own.
_NATIVE_SIZES = {
    "compact": 32,
    "EfficientNetB1": 240,
    "EfficientNetB2": 260,
    "EfficientNetB3": 300,
    "EfficientNetB4": 380,
    "EfficientNetB5": 456,
    "EfficientNetB6": 528,
    "EfficientNetB7": 600,
    "EfficientNetV2B1": 240,
    "EfficientNetV2B2": 260,
    "EfficientNetV2B3": 300,
    "EfficientNetV2S": 384,
    "EfficientNetV2M": 480,
    "EfficientNetV2L": 480,
    "InceptionResNetV2": 299,
    "InceptionV3": 299,
    "NASNetLarge": 331,
    "Xception": 299,
}


def load(
    architecture: str, weights: str, image_size: int, options: dict[str, Any], seed: int = 0
) -> keras.Model:
    """Build a base without its top and load its weights.

    Args:
        architecture: `compact`, or a function of `keras.applications`.
        weights: `imagenet`, `random` (the same ones every time), or the path of a Keras weights file of
            this architecture.
        image_size: side of the input, pixels.
        options: further arguments of the architecture's function, such as `{"alpha": 0.35}`.
        seed: of `random` weights; Keras' global seed is set to it.

    Returns:
        A functional model, float32 [batch, size, size, 3] as its `preprocess` makes them, to feature maps.

    Raises:
        HeadstartError: no such architecture or option; no such file; a file that is damaged, or of another
            architecture; weights that have to be downloaded and cannot be.
    """
    build = _find(architecture)[0]
    named = "imagenet" if weights == "imagenet" else None
    if named and architecture == "compact":
        raise HeadstartError(
            "base.weights is 'imagenet', which 'compact' has none of: set base.architecture in params.yaml "
            "to a keras.applications name, or base.weights to 'letters'."
        )
    if weights == "random":  # embedding and training must use the same ones
        keras.utils.set_random_seed(seed)
    try:
        base = build(include_top=False, weights=named, input_shape=(image_size, image_size, 3), **options)
    except Exception as error:
        raise _refusal(error, architecture, named, options) from error
    if weights not in ("imagenet", "random"):
        _load_file(base, architecture, Path(weights))
    return base


def native_size(architecture: str) -> int:
    """Side of the images that the architecture's own weights were trained on, pixels."""
    return _NATIVE_SIZES.get(architecture, 224)


def preprocess(architecture: str) -> Callable[[Any], Any]:
    """The architecture's own normalisation of pixel values 0…255."""
    return _find(architecture)[1]


def _find(architecture: str) -> tuple[Callable[..., keras.Model], Callable[[Any], Any]]:
    if architecture == "compact":
        return compact.compact, compact.preprocess_input
    build = getattr(keras.applications, architecture, None)
    if callable(build):
        return build, importlib.import_module(build.__module__).preprocess_input
    raise HeadstartError(
        f"base.architecture is '{architecture}', which keras.applications does not have: "
        "take 'compact', 'MobileNetV2', 'EfficientNetV2B0' or another of its names."
    )


def _load_file(base: keras.Model, architecture: str, path: Path) -> None:
    if not path.is_file():
        raise HeadstartError(
            f"base.weights names {path}, where there is no file: put a Keras weights file there, "
            "or set base.weights to 'letters', 'imagenet' or 'random'."
        )
    try:
        base.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise HeadstartError(
            f"{path} does not fit a {architecture} with these base.options and base.image_size "
            f"({_first_line(error)}): name the architecture that it was saved from."
        ) from error
    for weight in base.weights:
        if not np.isfinite(weight.numpy()).all():
            raise HeadstartError(
                f"{path} is damaged: {weight.path} has values that are not finite numbers. Put another file "
                "there, or set base.weights in params.yaml to another one."
            )


def _refusal(
    error: Exception, architecture: str, named: str | None, options: dict[str, Any]
) -> HeadstartError:
    if "URL fetch failure" in str(error) or isinstance(error, OSError):
        url = next((word for word in str(error).split() if word.startswith("http")), "")
        name = url.rstrip(":").rsplit("/", 1)[-1] or "its weights file"
        folder = Path(os.environ.get("KERAS_HOME", "~/.keras")) / "models"
        return HeadstartError(
            f"The {named} weights of {architecture} have to be downloaded, and there is no network for it: "
            f"put {name} into {folder}, set KERAS_HOME to a folder that has models/{name}, "
            "or set base.weights in params.yaml to the path of a weights file."
        )
    return HeadstartError(
        f"{architecture} cannot be built with base.options {options} ({_first_line(error)}): "
        "correct base.options or base.image_size in params.yaml."
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
