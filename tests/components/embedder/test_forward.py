"""The frozen part, run in batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from headstart.components.embedder.chunks import Chunk
from headstart.components.embedder.forward import Forward, largest_batch
from headstart.components.shared.activations.store import Split
from headstart.components.shared.augment import draws_of, vary
from headstart.components.shared.base import bases
from headstart.components.shared.base.cuts import cut, suffix
from headstart.components.shared.base.pooling import features, outputs

BASE = {"architecture": "compact", "weights": "random", "image_size": 16, "options": {}}
AUGMENT = {"flip": True, "shift": 0.1, "zoom": 0.1, "contrast": 0.2}


def _chunk(images, views=1):
    pixels = np.random.default_rng(images).integers(0, 256, (images, 16, 16, 3), dtype=np.uint8)
    names = [f"{index}.png" for index in range(images)]
    return Chunk("train-00000-000000", views, names, names, np.zeros(images, int), np.arange(images), pixels)


def test_embeddings_and_activations_are_the_bases_own_answers_for_every_view():
    chunk = _chunk(70, views=2)
    rows, (seconds, cpu_seconds) = Forward(BASE, 2, AUGMENT).rows(chunk)
    base = bases.load(**BASE)
    top = suffix(base, 2)
    images = tf.cast(chunk.pixels, tf.float32)
    for view, seen in enumerate([images, vary(images, draws_of(chunk.paths, 1), **AUGMENT)]):
        features = base(bases.preprocess("compact")(seen), training=False).numpy()
        np.testing.assert_allclose(rows.embeddings[:, view], features.mean(axis=(1, 2)), atol=1e-4)
        stored = Split([rows]).activations(np.arange(70), np.full(70, view))
        again = top(stored[np.argsort(np.argsort(chunk.paths))], training=False)
        np.testing.assert_allclose(again, features, atol=1e-3 * features.max())
    assert rows.activations.dtype == np.float16
    assert rows.activations.shape == (70, 2, *cut(base, 2).shape[1:])
    assert seconds > 0
    assert cpu_seconds > 0


def test_activations_beyond_the_range_of_float16_keep_their_precision():
    model = Forward(BASE, 2, {})
    answer = model._model
    chunk = _chunk(4)
    exact = answer(bases.preprocess("compact")(tf.cast(chunk.pixels, tf.float32)))[1].numpy()
    for factor in (1e-7, 1e9):
        model._model = lambda images, factor=factor: [part * factor for part in answer(images)]
        model._run = tf.function(model._compute)
        rows, _ = model.rows(chunk)
        stored = Split([rows]).activations(np.arange(4), np.zeros(4, int))
        np.testing.assert_allclose(stored, exact * factor, rtol=1e-3, atol=1e-7 * exact.max() * factor)


def test_an_images_answer_does_not_depend_on_its_batch():
    whole, part = _chunk(70), _chunk(70)
    named = part.paths[:3], part.groups[:3], part.labels[:3], part.ranks[:3]
    part = Chunk(part.unit, 1, *named, whole.pixels[:3])
    model = Forward(BASE, 2, {})
    np.testing.assert_array_equal(model.rows(whole)[0].activations[:3], model.rows(part)[0].activations)


def test_embeddings_alone_leave_no_activations():
    rows, _ = Forward(BASE, 0, {}).rows(_chunk(3))
    assert rows.embeddings.shape == (3, 1, 192)
    assert rows.activations.shape == (3, 1, 0)


def test_the_blocks_are_pooled_on_every_grid_of_the_images_as_they_are():
    chunk = _chunk(5, views=2)
    rows, _ = Forward(BASE, 2, AUGMENT, grids=(1, 3)).rows(chunk)
    base = bases.load(**BASE)
    images = bases.preprocess("compact")(tf.cast(chunk.pixels, tf.float32))
    assert list(rows.pooled) == list(features(base, (1, 3)))
    for number, end in enumerate(outputs(base)):
        maps = keras.Model(base.input, end)(images, training=False).numpy()
        mean = rows.pooled[number, 1]
        assert mean.dtype == np.float16
        np.testing.assert_allclose(mean, maps.mean(axis=(1, 2)), rtol=2e-3, atol=1e-3 * maps.max())
    assert rows.activations.shape[:2] == (5, 2)


def test_a_batch_that_does_not_fit_is_halved_until_it_does(monkeypatch):
    model = Forward(BASE, 2, {})
    run, sizes = model._run, []

    def small(pixels, draws):
        sizes.append(len(pixels))
        if len(pixels) > 16:
            raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
        return run(pixels, draws)

    monkeypatch.setattr(model, "_run", small)
    rows, _ = model.rows(_chunk(40))
    assert sizes[:3] == [64, 32, 16]
    assert len(rows.embeddings) == 40
    monkeypatch.setattr(model, "_run", lambda *_: small(np.zeros(99), None))
    with pytest.raises(tf.errors.ResourceExhaustedError):
        model.rows(_chunk(4))


def test_batches_shrink_with_the_memory():
    small, large = (bases.load("compact", "random", size, {}) for size in (32, 512))
    assert largest_batch(small, 8 << 30, 1000) == 64
    assert 1 < largest_batch(large, 2 << 30, 1000) < 64
    assert largest_batch(large, 1, 1000) == 1
    assert largest_batch(small, 8 << 30, 20) == 16
