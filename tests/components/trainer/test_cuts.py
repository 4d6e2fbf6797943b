"""Block boundaries are found by walking the graph."""

import keras
import numpy as np
import pytest

from components.trainer.cuts import blocks


def _suffix(base: keras.Model, cut: keras.Layer) -> keras.Model:
    return keras.Model(cut.output, base.output)


def test_mobilenet_v2_has_eighteen_blocks_that_end_in_its_bottlenecks():
    base = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(64, 64, 3), alpha=0.35
    )
    found = blocks(base)
    assert len(found) == 18
    assert [block[-1].name for block in found[:3]] == [
        "expanded_conv_project_BN",
        "block_1_project_BN",
        "block_2_add",
    ]
    assert [layer for block in found for layer in block] == base.operations


@pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50", "EfficientNetV2B0", "MobileNetV3Small"])
def test_prefix_and_suffix_at_every_cut_compose_to_the_whole_model(name):
    base = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=(64, 64, 3))
    image = np.random.default_rng(0).uniform(0, 255, (1, 64, 64, 3)).astype("float32")
    whole = base(image, training=False)
    for block in blocks(base)[:-1:4]:
        prefix = keras.Model(base.input, block[-1].output)
        np.testing.assert_allclose(
            _suffix(base, block[-1])(prefix(image, training=False), training=False),
            whole,
            rtol=1e-4,
            atol=1e-5,
        )


def test_a_tensor_that_a_skip_connection_passes_by_is_no_cut():
    inputs = keras.Input((8, 8, 4))
    first = keras.layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    inner = keras.layers.Conv2D(4, 3, padding="same", name="inner")(first)
    outer = keras.layers.Add(name="outer")([first, inner])
    last = keras.layers.Conv2D(4, 3, padding="same", name="last")(outer)
    ends = [block[-1].name for block in blocks(keras.Model(inputs, last))]
    assert ends == ["first", "outer", "last"]
