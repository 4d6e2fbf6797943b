"""Varying training images."""

import numpy as np
import pytest
import tensorflow as tf

from headstart.components.shared.augment import DRAWS, draws_of, vary


def _noise():
    return tf.random.stateless_uniform([8, 16, 16, 3], [1, 2], 0.0, 255.0)


def _draws(seed):
    return np.random.default_rng(seed).uniform(-1, 1, (8, DRAWS)).astype(np.float32)


def test_no_change_asked_is_no_change_made():
    images = _noise()
    same = vary(images, _draws(1), flip=False, shift=0.0, zoom=0.0, contrast=0.0)
    np.testing.assert_allclose(same, images, atol=1e-3)


def test_a_flip_mirrors_the_images_whose_draw_says_so_exactly():
    images, draws = _noise(), _draws(3)
    flipped = vary(images, draws, flip=True, shift=0.0, zoom=0.0, contrast=0.0).numpy()
    mirrored = np.where((draws[:, 1] < 0)[:, None, None, None], images.numpy()[:, :, ::-1], images)
    np.testing.assert_allclose(flipped, mirrored, atol=1e-2)
    assert 0 < (draws[:, 1] < 0).sum() < 8


def test_changes_keep_the_range_and_follow_the_draws():
    arguments = {"flip": True, "shift": 0.2, "zoom": 0.3, "contrast": 0.5}
    one, again, other = (vary(_noise(), _draws(seed), **arguments).numpy() for seed in (1, 1, 2))
    assert one.min() >= 0.0
    assert one.max() <= 255.0
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_an_images_draws_depend_on_its_path_and_view_and_not_on_its_neighbours():
    one, two = draws_of(["a.png", "b.png"], view=1)
    np.testing.assert_array_equal(draws_of(["b.png"], view=1)[0], two)
    assert not np.array_equal(one, two)
    assert not np.array_equal(draws_of(["b.png"], view=2)[0], two)
    many = draws_of([f"{i}.png" for i in range(2000)], view=1)
    assert many.mean(axis=0) == pytest.approx(np.zeros(DRAWS), abs=0.05)
    assert np.abs(many).max() <= 1.0


def test_what_lies_outside_an_image_is_its_reflection():
    ramp = np.broadcast_to(np.arange(10.0, dtype=np.float32)[:, None, None], (1, 10, 10, 3))
    down = np.array([[0.0, 0.0, 0.0, 1.0, 0.0]], np.float32)  # the largest move along the rows
    moved = vary(tf.constant(ramp), down, flip=False, shift=0.3, zoom=0.0, contrast=0.0).numpy()
    np.testing.assert_allclose(moved[0, :, 0, 0], [3, 4, 5, 6, 7, 8, 9, 8, 7, 6], atol=1e-4)


def test_the_widest_changes_that_are_allowed_can_be_drawn():
    draws = np.ones((8, DRAWS), np.float32)
    for sign in (1, -1):
        made = vary(_noise(), sign * draws, flip=True, shift=0.5, zoom=0.9, contrast=1.0).numpy()
        assert np.isfinite(made).all()
