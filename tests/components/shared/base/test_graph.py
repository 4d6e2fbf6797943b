"""A functional model's calls, on a model with a branch and a shared layer."""

import keras
import numpy as np
import pytest

from headstart.components.shared.base.cuts import blocks
from headstart.components.shared.base.graph import Graph
from headstart.components.shared.base.inference import InInference

IMAGES = np.random.default_rng(1).uniform(-1, 1, (2, 8, 8, 4)).astype("float32")


@pytest.fixture
def base(lively):
    """Input ▸ first ▸ shared ▸ norm ▸ second ▸ shared ▸ joined (with first) ▸ + 1 ▸ last."""
    inputs = keras.Input((8, 8, 4))
    shared = keras.layers.Conv2D(4, 3, padding="same", name="shared")
    first = keras.layers.Conv2D(4, 3, padding="same", name="first")(inputs)
    norm = keras.layers.BatchNormalization(name="norm")(shared(first))
    second = keras.layers.Conv2D(4, 3, padding="same", name="second")(norm)
    added = keras.layers.Add(name="joined")([shared(second), first]) + 1.0
    last = keras.layers.Conv2D(4, 3, padding="same", name="last")(added)
    return lively(keras.Model(inputs, last))


def _names(graph):
    return [call.operation.name for call in graph.calls]


def test_every_call_is_listed_once_after_those_that_it_needs(base):
    graph = Graph(base)
    called = ["first", "shared", "norm", "second", "shared", "joined", "last"]
    assert [name for name in _names(graph) if name in called] == called
    assert len(graph.calls) == 8
    made = [id(call.outputs) for call in graph.calls]
    for place, call in enumerate(graph.calls):
        needed = [made.index(id(tensor)) for tensor in call.inputs if id(tensor) in made]
        assert all(before < place for before in needed)
        assert len(needed) == {"first": 0, "joined": 2}.get(call.operation.name, 1)
    assert id(graph.outputs) == made[-1]


def test_run_with_its_own_operations_it_gives_the_bits_of_the_model(base):
    np.testing.assert_array_equal(Graph(base).run(IMAGES, lambda operation: operation), base(IMAGES))


def test_an_operation_can_be_replaced_at_all_its_calls(base):
    silenced = Graph(base).run(
        IMAGES,
        lambda operation: keras.ops.zeros_like if operation.name == "shared" else operation,
    )
    first, last = base.get_layer("first"), base.get_layer("last")
    np.testing.assert_array_equal(silenced, last(first(IMAGES) + 1.0))


def test_outputs_are_nested_as_those_of_the_model(base):
    first = base.get_layer("first").output
    model = keras.Model(base.input, {"all": base.output, "parts": [first, first]})
    found = Graph(model).run(IMAGES, lambda operation: operation)
    for mine, other in zip(found["parts"], model(IMAGES)["parts"], strict=True):
        np.testing.assert_array_equal(mine, other)
    np.testing.assert_array_equal(found["all"], base(IMAGES))


def test_the_model_is_left_as_it_is(base):
    before, answers = base.get_config(), base(IMAGES)
    tensors = [layer.output for layer in base.layers]
    Graph(base)
    assert base.get_config() == before
    assert all(layer.output is tensor for layer, tensor in zip(base.layers, tensors))
    np.testing.assert_array_equal(base(IMAGES), answers)


def test_a_part_of_a_model_has_the_calls_of_that_part(base):
    part = keras.Model(base.get_layer("first").output, base.output)
    graph, values = Graph(part), base.get_layer("first")(IMAGES)
    assert [call.operation for call in graph.calls] == [call.operation for call in Graph(base).calls][1:]
    np.testing.assert_array_equal(graph.run(values, lambda operation: operation), base(IMAGES))


def test_a_convolution_shared_with_a_call_without_batchnorm_is_not_folded(base):
    np.testing.assert_allclose(InInference(base)(IMAGES), base(IMAGES, training=False), rtol=1e-5, atol=1e-5)


def test_no_block_ends_between_the_calls_of_a_shared_layer(base):
    assert [layer.name for layer in blocks(base)[-1]] == ["last"]
    assert len(blocks(base)) == 2
