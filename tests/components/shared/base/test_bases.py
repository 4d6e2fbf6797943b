"""Bases by name, and the sentences for what cannot be had."""

import keras
import numpy as np
import pytest

from headstart.components.shared.base import bases
from headstart.components.shared.errors import HeadstartError


def _refusal(architecture="MobileNetV2", weights="random", size=32, **options):
    with pytest.raises(HeadstartError) as caught:
        bases.load(architecture, weights, size, options)
    return str(caught.value)


def test_any_keras_application_is_found_by_name_with_its_own_preprocessing():
    base = bases.load("MobileNetV2", "random", 32, {"alpha": 0.35})
    assert base.output_shape == (None, 1, 1, 1280)
    normalise = bases.preprocess("MobileNetV2")
    np.testing.assert_allclose(normalise(np.array([0.0, 127.5, 255.0])), [-1.0, 0.0, 1.0])


def test_weights_from_a_file_are_the_ones_that_were_saved(tmp_path):
    saved = bases.load("MobileNetV2", "random", 32, {"alpha": 0.35})
    saved.save_weights(tmp_path / "base.weights.h5")
    loaded = bases.load("MobileNetV2", str(tmp_path / "base.weights.h5"), 32, {"alpha": 0.35})
    for ours, theirs in zip(loaded.get_weights(), saved.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_an_unknown_architecture_is_named():
    assert "base.architecture is 'MobileNetV9'" in _refusal("MobileNetV9")


def test_a_missing_file_is_named(tmp_path):
    assert f"{tmp_path}/no.weights.h5, where there is no file" in _refusal(
        weights=f"{tmp_path}/no.weights.h5"
    )


def test_a_file_of_another_architecture_is_refused(tmp_path):
    path = tmp_path / "base.weights.h5"
    bases.load("MobileNetV2", "random", 32, {"alpha": 0.35}).save_weights(path)
    assert "does not fit a MobileNetV2" in _refusal(weights=str(path), alpha=0.5)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    base = bases.load("compact", "random", 32, {})
    first = base.weights[0]
    first.assign(np.full(first.shape, np.nan))
    base.save_weights(tmp_path / "base.weights.h5")
    told = _refusal("compact", str(tmp_path / "base.weights.h5"))
    assert f"base.weights.h5 is damaged: {first.path} has values" in told


def test_an_unknown_option_is_refused():
    assert "cannot be built with base.options {'alfa': 1}" in _refusal(alfa=1)


def test_weights_that_cannot_be_downloaded_say_where_a_file_could_be_put(tmp_path, monkeypatch):
    def no_network(*_, **__):
        raise Exception(
            "URL fetch failure on https://example.org/models/mobilenet_v2_x.h5: None -- unreachable"
        )

    monkeypatch.setattr(keras.src.applications.mobilenet_v2.file_utils, "get_file", no_network)
    told = _refusal(weights="imagenet", size=224)
    assert "put mobilenet_v2_x.h5 into" in told
    assert "KERAS_HOME" in told


def test_downloaded_weights_are_read_from_a_keras_home(tmp_path, monkeypatch):
    """The real code path of `imagenet`, on a file of our own where Keras would have put its download."""
    architecture = bases.load("MobileNetV2", "random", 224, {"alpha": 0.35})
    path = tmp_path / "ours.weights.h5"
    architecture.save_weights(path)
    monkeypatch.setattr(
        keras.src.applications.mobilenet_v2.file_utils, "get_file", lambda *_, **__: str(path)
    )
    loaded = bases.load("MobileNetV2", "imagenet", 224, {"alpha": 0.35})
    np.testing.assert_array_equal(loaded.get_weights()[0], architecture.get_weights()[0])


def test_compact_has_no_imagenet_weights():
    assert "'compact' has none of" in _refusal("compact", "imagenet")
