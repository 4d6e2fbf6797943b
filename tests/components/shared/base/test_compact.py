"""The demo's base: its size, its shapes, its names, its preprocessing."""

import keras
import numpy as np
import pytest

from headstart.components.shared.base.compact import BLOCKS, compact, preprocess_input


def test_compact_has_half_a_million_parameters_and_no_pooling():
    base = compact()
    kernels = sum(9 * low * high for low, high in zip((3, 24, 48, 96, 96, 160), (24, 48, 96, 96, 160, 192)))
    assert base.count_params() == kernels + 4 * (24 + 48 + 96 + 96 + 160 + 192)
    assert base.output_shape == (None, 4, 4, 192)


def test_compact_halves_three_times_at_any_size():
    assert compact((50, 64, 3)).output_shape == (None, 7, 8, 192)


def test_layers_are_named_by_their_block():
    names = [layer.name for layer in compact().layers]
    blocks = [f"block{n}_{kind}" for n in range(1, len(BLOCKS) + 1) for kind in ("conv", "bn", "relu")]
    assert names == ["input", *blocks]


def test_the_feature_map_is_of_the_image_and_not_negative():
    images = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3)).astype("float32")
    features = np.asarray(compact()(preprocess_input(images), training=False))
    assert features.min() >= 0 and np.ptp(features, axis=0).max() > 0


def test_saved_weights_come_back(tmp_path):
    one = compact()
    one.save_weights(tmp_path / "some.weights.h5")
    other = compact(weights=tmp_path / "some.weights.h5")
    for expected, found in zip(one.get_weights(), other.get_weights()):
        np.testing.assert_array_equal(found, expected)


def test_there_is_no_top_to_include():
    with pytest.raises(ValueError, match="no top"):
        compact(include_top=True)


def test_preprocessing_maps_bytes_to_minus_one_to_one_and_leaves_its_input_alone():
    pixels = np.array([0.0, 127.5, 255.0], "float32")
    np.testing.assert_allclose(preprocess_input(pixels), [-1, 0, 1])
    np.testing.assert_array_equal(pixels, np.array([0.0, 127.5, 255.0], "float32"))


def test_preprocessing_is_the_same_on_arrays_tensors_and_symbols():
    pixels = np.linspace(0, 255, 12, dtype="float32").reshape(1, 2, 2, 3)
    symbol = keras.Input((2, 2, 3))
    model = keras.Model(symbol, preprocess_input(symbol))
    expected = preprocess_input(pixels)
    np.testing.assert_allclose(preprocess_input(keras.ops.convert_to_tensor(pixels)), expected, atol=1e-6)
    np.testing.assert_allclose(model(pixels), expected, atol=1e-6)
