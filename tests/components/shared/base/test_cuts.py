"""Block boundaries are found by walking the graph."""

import keras

from headstart.components.shared.base.cuts import blocks, cut, depth_of, suffix


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


def test_a_depth_beyond_the_base_is_the_whole_base_and_its_cut_the_image():
    base = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(64, 64, 3))
    assert [depth_of(base, depth) for depth in (0, 3, 18, 99, -1)] == [0, 3, 18, 18, 18]
    assert cut(base, -1) is base.input
    assert cut(base, 0) is base.output


def test_a_suffix_shares_its_weights_with_the_base():
    base = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(64, 64, 3))
    own = {id(weight) for weight in base.weights}
    assert all(id(weight) in own for weight in suffix(base, 3).weights)


def test_a_tensor_that_a_skip_connection_passes_by_is_no_cut():
    inputs = keras.Input((8, 8, 4))
    first = keras.layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    inner = keras.layers.Conv2D(4, 3, padding="same", name="inner")(first)
    outer = keras.layers.Add(name="outer")([first, inner])
    last = keras.layers.Conv2D(4, 3, padding="same", name="last")(outer)
    ends = [block[-1].name for block in blocks(keras.Model(inputs, last))]
    assert ends == ["first", "outer", "last"]
