"""Conversion by shifting bits is numpy's."""

import numpy as np

from headstart.components.shared.linear.half import widen, widened


def test_every_finite_float16_is_converted_exactly():
    numbers = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = numbers[np.isfinite(numbers)].reshape(-1, 64)
    found = widened(finite)
    np.testing.assert_array_equal(found, finite.astype(np.float32))
    np.testing.assert_array_equal(np.signbit(found), np.signbit(finite))


def test_float32_is_copied():
    values = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_array_equal(widened(values), values)


def test_rows_of_a_wider_array_are_standardised_and_the_rest_is_left_alone():
    values = np.random.default_rng(0).normal(size=(1000, 300)).astype(np.float16)
    mean, factor = values.mean(axis=0, dtype=np.float32), np.linspace(1, 2, 300, dtype=np.float32)
    out = np.full((1000, 302), 7, np.float32)
    widen(values, out[:, 1:-1], mean, factor)
    np.testing.assert_array_equal(out[:, 1:-1], (values.astype(np.float32) - mean) * factor)
    assert (out[:, [0, -1]] == 7).all()
