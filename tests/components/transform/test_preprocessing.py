"""Decoding, eagerly and inside tf.data alike."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from headstart.components.transform.preprocessing import as_bytes, decode


def _encode(image: Image.Image, form: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _both(encoded: bytes, size: int = 8) -> np.ndarray:
    eager = decode(tf.constant(encoded), size).numpy()
    (graph,) = tf.data.Dataset.from_tensors(encoded).map(lambda e: decode(e, size)).as_numpy_iterator()
    np.testing.assert_array_equal(eager, graph)
    assert eager.shape == (size, size, 3)
    assert eager.dtype == np.uint8
    return eager


RED = Image.new("RGB", (20, 10), (200, 30, 40))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP"])
def test_every_format_gives_the_same_colour(form):
    np.testing.assert_allclose(_both(_encode(RED, form))[4, 4], (200, 30, 40), atol=3)


def test_grayscale_is_repeated_to_three_channels():
    assert (_both(_encode(Image.new("L", (9, 9), 77), "PNG")) == 77).all()


@pytest.mark.parametrize("mode, colour", [("RGBA", (0, 0, 0, 0)), ("LA", (0, 0))])
def test_transparency_is_laid_over_white(mode, colour):
    assert (_both(_encode(Image.new(mode, (9, 9), colour), "PNG")) == 255).all()


def test_half_transparent_black_is_gray():
    assert abs(int(_both(_encode(Image.new("RGBA", (9, 9), (0, 0, 0, 128)), "PNG"))[0, 0, 0]) - 127) <= 1


def test_the_first_frame_of_a_gif_is_taken():
    frames = [Image.new("RGB", (8, 8), c) for c in ((255, 0, 0), (0, 0, 255))]
    encoded = _encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(_both(encoded)[0, 0], (255, 0, 0), atol=3)


def test_an_image_of_the_right_size_is_left_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(_both(_encode(Image.fromarray(pixels), "PNG")), pixels)


@pytest.mark.parametrize("highest", [256, 1])  # 1: all pixels are 0
def test_bytes_are_what_decode_raw_reads(highest):
    pixels = np.random.default_rng(0).integers(0, highest, (5, 7, 3), dtype=np.uint8)
    raw = as_bytes(tf.constant(pixels))
    assert raw.numpy() == pixels.tobytes()
    np.testing.assert_array_equal(tf.reshape(tf.io.decode_raw(raw, tf.uint8), pixels.shape), pixels)
