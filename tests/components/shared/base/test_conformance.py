"""What holds for every base. A new one is a line in `BASES`; or in `OTHERS`, for `make test-long`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from headstart.components.shared.base import bases
from headstart.components.shared.base.cuts import blocks, cut, suffix
from headstart.components.shared.base.inference import InInference
from headstart.components.shared.base.pooling import features, outputs, pool
from headstart.components.trainer.model import join_blocks, unfreeze

BASES = {  # architecture: side of its images in this test, pixels
    "compact": 32,
    "MobileNetV2": 64,
    "MobileNetV3Small": 64,
}
OTHERS = {
    "MobileNet": 64,
    "VGG16": 32,
    "MobileNetV3Large": 64,
    "EfficientNetB0": 64,
    "EfficientNetV2B0": 64,
    "ResNet50": 64,
    "ResNet50V2": 64,
    "DenseNet121": 64,
    "Xception": 96,
    "ConvNeXtTiny": 64,
}
SIZES = {**BASES, **OTHERS}


@pytest.fixture(
    scope="module", params=[*BASES, *(pytest.param(name, marks=pytest.mark.long) for name in OTHERS)]
)
def architecture(request):
    return request.param


@pytest.fixture(scope="module")
def base(architecture, lively):
    return lively(bases.load(architecture, "random", SIZES[architecture], {}))


@pytest.fixture(scope="module")
def images(architecture, base):
    pixels = np.random.default_rng(1).uniform(0, 255, (2, *base.input_shape[1:])).astype(np.float32)
    return np.array(bases.preprocess(architecture)(pixels))


@pytest.fixture(scope="module")
def maps(base, images):
    """The outputs of all blocks."""
    return keras.Model(base.input, outputs(base))(images, training=False)


def _close(found, wanted, share=1e-4):
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=share * np.abs(wanted).max())


def test_random_weights_are_the_same_each_time(architecture, base):
    first, second = (bases.load(architecture, "random", SIZES[architecture], {}) for _ in range(2))
    for one, other in zip(first.get_weights(), second.get_weights()):
        np.testing.assert_array_equal(one, other)
    assert [w.shape for w in first.get_weights()] == [w.shape for w in base.get_weights()]


def test_blocks_hold_every_operation_once_and_the_last_ends_in_the_output(base):
    assert [operation for block in blocks(base) for operation in block] == base.operations
    assert outputs(base)[-1] is base.output


def test_blocks_pool_to_the_widths_that_the_store_plans(base, maps):
    for (block, grid), width in features(base, (1, 2)).items():
        assert pool(maps[block], [grid])[0].shape == (2, width)


def test_a_cut_at_a_block_and_what_follows_compose_to_the_base(base, images, maps):
    depths = len(blocks(base))
    for depth in range(1, depths, max(1, depths // 5)):
        prefix = keras.Model(base.input, cut(base, depth))
        composed = suffix(base, depth)(prefix(images, training=False), training=False)
        _close(composed.numpy(), maps[-1].numpy())


def test_in_inference_mode_it_answers_as_the_base_does_training_or_not(base, images, maps):
    for training in (False, True):
        _close(InInference(base)(images, training=training).numpy(), maps[-1].numpy())


def test_unfreezing_is_of_the_top_blocks_alone(base):
    assert unfreeze(base, 1) == 1
    top = {id(layer) for layer in blocks(base)[-1]}
    trainable = [layer for layer in base.layers if layer.trainable and layer.weights]
    assert all(id(layer) in top for layer in trainable)
    assert unfreeze(base, -1) == len(blocks(base))
    assert unfreeze(base, 0) == 0
    assert base.trainable_weights == []


def test_a_head_on_its_blocks_answers_the_same_once_exported(base, images, tmp_path):
    last = len(blocks(base)) - 1
    chosen = [part for part in features(base, (1, 2)) if part[0] >= last - 1 and part[1] == 1]
    width = sum(features(base, (1, 2))[part] for part in chosen)
    weights = np.random.default_rng(2).normal(0, width**-0.5, (width, 3)).astype(np.float32)
    model = join_blocks(base, chosen, weights, np.zeros(3, np.float32))
    served = tf.Module()
    served.model = model
    served.classify = tf.function(
        lambda pixels: model(pixels, training=False),
        input_signature=[tf.TensorSpec([None, *images.shape[1:]], tf.float32)],
    )
    tf.saved_model.save(served, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    answers = loaded.classify(tf.constant(images))
    np.testing.assert_allclose(answers, model(images, training=False), atol=1e-4)
