import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from headstart.components.image_example_gen.images import eight_bits, for_graph
from headstart.components.image_example_gen.opener import UnusableError

RED_TO_BLUE = Image.fromarray(
    np.linspace((250, 10, 0), (0, 10, 250), 12).astype(np.uint8)[None].repeat(8, 0)
)  # 12 wide, 8 high
HALF_CLEAR = RED_TO_BLUE.copy()
HALF_CLEAR.putalpha(Image.fromarray(np.full((8, 12), 128, np.uint8)))


def encoded(image: Image.Image, fmt: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


AS_THEY_ARE = {
    "JPEG": encoded(RED_TO_BLUE, "JPEG"),
    "progressive JPEG": encoded(RED_TO_BLUE, "JPEG", progressive=True),
    "grayscale JPEG": encoded(RED_TO_BLUE.convert("L"), "JPEG"),
    "JPEG that says it is upright": encoded(RED_TO_BLUE, "JPEG", exif=turned(1)),
    "PNG": encoded(RED_TO_BLUE, "PNG"),
    "PNG with alpha": encoded(HALF_CLEAR, "PNG"),
    "grayscale PNG with alpha": encoded(HALF_CLEAR.convert("LA"), "PNG"),
    "palette PNG": encoded(RED_TO_BLUE.quantize(8), "PNG"),
    "palette PNG with transparency": encoded(RED_TO_BLUE.quantize(8), "PNG", transparency=2),
    "16-bit PNG": encoded(Image.fromarray(np.full((8, 12), 40000, np.uint16)), "PNG"),
    "1-bit PNG": encoded(RED_TO_BLUE.convert("1"), "PNG"),
    "GIF": encoded(RED_TO_BLUE.quantize(8), "GIF"),
    "24-bit BMP": encoded(RED_TO_BLUE, "BMP"),
}

ANEW = {
    "WebP": encoded(RED_TO_BLUE, "WEBP", lossless=True),
    "TIFF": encoded(RED_TO_BLUE, "TIFF"),
    "CMYK JPEG": encoded(RED_TO_BLUE.convert("CMYK"), "JPEG", quality=100, subsampling=0),
    "palette BMP": encoded(RED_TO_BLUE.quantize(256), "BMP"),
}


@pytest.mark.parametrize("kind", AS_THEY_ARE)
def test_what_the_graph_decodes_passes_unchanged(kind):
    assert for_graph(AS_THEY_ARE[kind]) is AS_THEY_ARE[kind]


@pytest.mark.parametrize("kind", ANEW)
def test_what_the_graph_cannot_decode_becomes_a_png_of_the_same_pixels(kind):
    out = for_graph(ANEW[kind])
    assert Image.open(io.BytesIO(out)).format == "PNG"
    original = np.asarray(Image.open(io.BytesIO(ANEW[kind])).convert("RGB"))
    np.testing.assert_array_equal(pixels(out), original)


def test_a_jpeg_that_exif_turns_is_set_upright():
    out = for_graph(encoded(RED_TO_BLUE, "JPEG", quality=100, subsampling=0, exif=turned(6)))
    image = Image.open(io.BytesIO(out))
    assert image.format == "JPEG" and image.size == (8, 12) and not image.getexif()
    upright = np.asarray(RED_TO_BLUE.transpose(Image.Transpose.ROTATE_270)).astype(int)
    assert np.abs(upright - np.asarray(image)).max() <= 12  # quality 95


def test_a_png_that_exif_turns_is_set_upright_without_loss():
    out = for_graph(encoded(RED_TO_BLUE, "PNG", exif=turned(3)))
    np.testing.assert_array_equal(pixels(out), np.asarray(RED_TO_BLUE)[::-1, ::-1])


def test_alpha_survives_a_new_encoding():
    for data in (encoded(HALF_CLEAR, "WEBP", lossless=True), encoded(HALF_CLEAR, "BMP", bitmap_format="bmp")):
        image = Image.open(io.BytesIO(data)).convert("RGBA")
        out = Image.open(io.BytesIO(for_graph(data))).convert("RGBA")
        np.testing.assert_array_equal(np.asarray(out), np.asarray(image))


def test_transparent_pixels_of_a_gif_are_kept_transparent_and_not_painted_black():
    gif = encoded(RED_TO_BLUE.quantize(8), "GIF", transparency=2)
    alpha = pixels(for_graph(gif))[..., 3]
    assert set(np.unique(alpha)) == {0, 255}


def test_the_one_transparent_colour_of_a_png_becomes_alpha():
    png = encoded(RED_TO_BLUE, "PNG", transparency=(250, 10, 0))
    alpha = pixels(for_graph(png))[..., 3]
    assert (alpha[:, 0] == 0).all() and (alpha[:, 1:] == 255).all()


def test_of_an_animation_the_first_frame_is_taken():
    frames = [RED_TO_BLUE, RED_TO_BLUE.transpose(Image.Transpose.ROTATE_180)]
    webp = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    np.testing.assert_array_equal(pixels(for_graph(webp)), np.asarray(RED_TO_BLUE))


def test_sixteen_bits_keep_the_high_byte_and_floats_their_share():
    assert (
        np.asarray(eight_bits(Image.fromarray(np.full((2, 2), 0x1234, np.uint16)))).tolist() == [[18, 18]] * 2
    )
    assert (
        np.asarray(eight_bits(Image.fromarray(np.full((2, 2), 0.5, np.float32)))).tolist() == [[127, 127]] * 2
    )


NUMBERS = np.random.default_rng(0)
LONG = (3, 2500)  # in one direction longer than two tiles


@pytest.mark.parametrize("shape", [LONG, LONG[::-1]])
@pytest.mark.parametrize("kind", ["16 bits", "32 bits", "floats to 1", "floats to 255", "no numbers"])
def test_a_large_image_of_numbers_is_widened_in_tiles_to_the_same_pixels(kind, shape):
    values = {
        "16 bits": NUMBERS.integers(0, 2**16, shape).astype(np.uint16),
        "32 bits": NUMBERS.integers(-(2**31), 2**31, shape).astype(np.int32),
        "floats to 1": NUMBERS.choice(np.float32([0, 0.1, 0.7, 1, np.nan, -np.inf]), shape),
        "floats to 255": NUMBERS.choice(np.float32([-3, 0.5, 1, 254.6, 300, np.nan, np.inf]), shape),
        "no numbers": np.full(shape, np.nan, np.float32),
    }[kind]
    if kind.endswith("bits"):
        expected = values.astype(np.int64) >> 8
    else:
        expected = np.nan_to_num(values) * (255 if kind == "floats to 1" else 1)
    expected = expected.clip(0, 255).astype(np.uint8)
    np.testing.assert_array_equal(pixels(for_graph(encoded(Image.fromarray(values), "TIFF"))), expected)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(1, 4_000_000), (2000, 2000)])
def test_widening_numbers_needs_no_memory_for_a_second_large_copy(dtype, shape):
    image = Image.fromarray(np.zeros(shape, dtype))
    tracemalloc.start()  # of NumPy; Pillow's own memory is not traced
    try:
        eight_bits(image)
        assert tracemalloc.get_traced_memory()[1] < 24 * 1024**2  # of a tile: 8 MB as int64, and copies
    finally:
        tracemalloc.stop()


def test_what_has_eight_bits_is_not_copied():
    assert eight_bits(RED_TO_BLUE) is RED_TO_BLUE
    assert eight_bits(HALF_CLEAR) is HALF_CLEAR


def test_what_is_no_image_is_refused():
    with pytest.raises(UnusableError, match="not an image"):
        for_graph(b"%!PS-Adobe-3.0 EPSF-3.0")


def test_of_an_animated_gif_the_graph_gets_only_the_first_frame_with_the_same_pixels():
    frames = [RED_TO_BLUE.quantize(8), RED_TO_BLUE.rotate(180).quantize(8)]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    out = for_graph(gif)
    assert Image.open(io.BytesIO(out)).format == "PNG"
    still = Image.open(io.BytesIO(gif)).convert("RGB")
    np.testing.assert_array_equal(pixels(out)[..., :3], np.asarray(still))


def test_heic_is_encoded_anew_and_keeps_its_pixels_within_what_the_codec_loses():
    out = for_graph(encoded(RED_TO_BLUE.resize((48, 32)), "HEIF", quality=100))
    seen = Image.open(io.BytesIO(out))
    assert (seen.format, seen.mode, seen.size) == ("PNG", "RGB", (48, 32))
    assert np.abs(np.asarray(seen).astype(int) - np.asarray(RED_TO_BLUE.resize((48, 32)))).max() < 25


@pytest.mark.parametrize("kind", AS_THEY_ARE)
def test_checked_a_file_cut_short_is_refused_and_a_whole_one_passes(kind):
    data = AS_THEY_ARE[kind]
    assert for_graph(data, checked=True) is data
    with pytest.raises(UnusableError, match="damaged|not an image"):
        for_graph(data[: len(data) - 20], checked=True)


@pytest.mark.parametrize("kind", [*AS_THEY_ARE, *ANEW])
def test_the_tensorflow_graph_sees_what_pillow_sees(kind):
    tf = pytest.importorskip("tensorflow")
    data = {**AS_THEY_ARE, **ANEW}[kind]
    seen = tf.io.decode_image(for_graph(data), channels=0, expand_animations=False).numpy()
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[seen.shape[-1]]
    image = eight_bits(Image.open(io.BytesIO(data))).convert(mode)
    expected = np.asarray(image).reshape(image.height, image.width, -1).astype(int)
    # libjpeg builds differ in how they smooth subsampled colour.
    assert np.abs(expected - seen).max() <= (8 if "JPEG" in kind else 0)
