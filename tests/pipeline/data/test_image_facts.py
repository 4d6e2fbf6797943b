import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from headstart.pipeline.data.image_facts import UnusableError, inspect, meant_as_image


def encoded(values: np.ndarray, fmt: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).save(out, fmt, **options)
    return out.getvalue()


def test_facts_are_those_computed_by_hand():
    values = np.zeros((5, 5), np.uint8)
    values[2, 2] = 100
    data = encoded(values)
    facts = inspect(data)
    assert facts.sha256 == hashlib.sha256(data).hexdigest() and facts.bytes == len(data)
    assert (facts.width, facts.height, facts.pixels) == (5, 5, 25)
    assert facts.brightness == 4000  # 100 / 25 gray levels
    # The Laplacian is -400 at the centre, 100 at its four neighbours, 0 in the corners: mean 0.
    assert facts.sharpness == (400**2 + 4 * 100**2) // 9


def test_a_flat_image_has_no_sharpness_and_a_tiny_one_does_not_matter():
    assert inspect(encoded(np.full((40, 40), 77, np.uint8))).sharpness == 0
    assert inspect(encoded(np.array([[0, 255]], np.uint8))).sharpness == 0


def test_a_large_image_is_measured_at_256_pixels():
    fine = np.indices((512, 1024)).sum(0) % 2 * 255  # averages out at half the size
    facts = inspect(encoded(fine.astype(np.uint8)))
    assert facts.sharpness == 0 and 127_000 <= facts.brightness <= 128_000
    assert (facts.width, facts.height) == (1024, 512)


def test_transparent_pixels_count_as_white():
    clear = np.zeros((4, 4, 4), np.uint8)
    assert inspect(encoded(clear)).brightness == 255_000


def test_jpeg_and_png_of_one_picture_are_about_equally_bright():
    values = np.linspace((0, 50, 200), (90, 90, 90), 600).astype(np.uint8)[None].repeat(400, 0)
    jpeg, png = inspect(encoded(values, "JPEG", quality=95)), inspect(encoded(values))
    assert abs(jpeg.brightness - png.brightness) < 1000


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
def test_a_truncated_file_is_unusable(fmt):
    data = encoded(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8), fmt)
    with pytest.raises(UnusableError, match="damaged"):
        inspect(data[: len(data) * 2 // 3])


def test_a_png_without_its_end_is_unusable_as_tensorflow_refuses_it():
    with pytest.raises(UnusableError, match="the end is missing"):
        inspect(encoded(np.zeros((4, 4), np.uint8))[:-12])


def test_empty_files_texts_and_damaged_heic_are_told_apart():
    for data, reason in (
        (b"", "the file is empty"),
        (b"a note", "not an image"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "damaged|not an image"),
    ):
        with pytest.raises(UnusableError, match=reason):
            inspect(data)


def test_heic_is_measured_and_a_heic_bomb_is_unusable():
    image = Image.fromarray(np.full((48, 64, 3), 90, np.uint8))
    out = io.BytesIO()
    image.save(out, "HEIF")
    facts = inspect(out.getvalue())
    assert (facts.width, facts.height) == (64, 48)
    assert abs(facts.brightness - 90_000) < 3_000
    bomb, start = bytearray(out.getvalue()), out.getvalue().index(b"ispe") + 8
    bomb[start : start + 8] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(UnusableError):
        inspect(bytes(bomb))


def test_a_decompression_bomb_is_unusable_and_not_decoded(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UnusableError, match="more than 179 million pixels"):
        inspect(encoded(np.zeros((50, 50), np.uint8)))


def test_a_name_says_whether_a_file_was_meant_as_an_image():
    assert meant_as_image("cat/IMG_1.HEIC") and meant_as_image("a.JPG")
    assert not meant_as_image("cat/notes.txt") and not meant_as_image("jpg")
