"""The served graph looks at an image's size before it decodes the image."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from headstart.components.shared.features import MAX_PIXELS
from headstart.components.trainer.pixel_limit import within_pixel_limit


@pytest.fixture(scope="module")
def guard():
    """In a graph, as it is served."""
    return tf.function(
        within_pixel_limit, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False
    )


def _image(fmt: str) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((40, 30), 60).convert("RGB").save(out, fmt)
    return out.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int) -> bytes:
    """A few hundred bytes that claim to be a grayscale image of this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(60_000))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    encoded = bytearray(_image("JPEG"))
    start = encoded.index(b"\xff\xc0") + 5
    encoded[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(encoded)


def gif(width: int, height: int) -> bytes:
    return _image("GIF")[:6] + struct.pack("<HH", width, height) + _image("GIF")[10:]


def bmp(width: int, height: int) -> bytes:
    return _image("BMP")[:18] + struct.pack("<ii", width, height) + _image("BMP")[26:]


BOMBS = {
    "PNG": png(60_000, 60_000),
    "PNG whose product overflows": png(2**32 - 1, 2**32 - 1),
    "JPEG": jpeg(65_000, 65_000),
    "GIF": gif(65_535, 65_535),
    "BMP": bmp(60_000, 60_000),
    "BMP from the top down": bmp(60_000, -60_000),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_an_invalid_argument_also_beside_good_images(guard, kind):
    with pytest.raises(tf.errors.InvalidArgumentError, match="more than 178,956,970 pixels"):
        guard(tf.constant([_image("PNG"), BOMBS[kind], _image("JPEG")]))


def test_ordinary_images_of_all_formats_pass_unchanged(guard):
    images = [_image(fmt) for fmt in ("JPEG", "PNG", "GIF", "BMP", "JPEG")]
    assert guard(tf.constant(images)).numpy().tolist() == images
    assert guard(tf.constant([], tf.string)).numpy().tolist() == []


def test_what_is_no_image_is_left_to_the_decoder(guard):
    texts = [b"", b"BM", b"a note", b"\x89PNG"]
    assert guard(tf.constant(texts)).numpy().tolist() == texts


def test_the_limit_itself_is_allowed(guard):
    width = MAX_PIXELS // 13_170
    assert np.prod((width, 13_170)) <= MAX_PIXELS < np.prod((width + 1, 13_170))
    assert guard(tf.constant([png(width, 13_170)])).shape == [1]
    with pytest.raises(tf.errors.InvalidArgumentError):
        guard(tf.constant([png(width + 1, 13_170)]))
