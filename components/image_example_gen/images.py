"""What the TensorFlow graph cannot decode is turned into a file that it can; the rest passes unchanged.

ImageExampleGen, `headstart predict` and `headstart serve` all send images through `for_graph`, so that
training and serving see the same pixels.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageFile, ImageOps

from headstart.components.image_example_gen.opener import UnusableError, load, opening

_ORIENTATION = 0x0112
_UPRIGHT = 1
_TILE = 1024  # pixels, each way
_SMALLEST = 1  # pixels: what is decoded to be checked only may be as small as its decoder can make it


def for_graph(encoded: bytes, checked: bool = False) -> bytes:
    """An image file that `tf.io.decode_image(…, channels=0, expand_animations=False)` decodes right.

    Such a file comes back unchanged, after a look at its header: JPEG in RGB or grayscale, PNG of any mode
    and depth, opaque GIF of one frame, BMP with 24 bits a pixel. Others are encoded anew, upright, as their
    first frame: a JPEG that EXIF rotates as JPEG (quality 95, 4:4:4), the rest (WebP, TIFF, HEIC, AVIF, CMYK
    JPEG, animated or transparent GIF, other BMP) as PNG with 8 bits a channel that keeps grayscale and alpha.

    Args:
        encoded: the file's bytes.
        checked: decode the whole image in any case, so that damage shows here and not in the graph.

    Raises:
        UnusableError: the bytes are not an image that can be used; without `checked`, as far as that shows.
    """
    with opening(encoded) as image:
        passes = _graph_decodes(image, encoded)
        if checked:
            load(image, encoded, _SMALLEST if passes else None)
        if passes:
            return encoded
        turned_jpeg = image.format in ("JPEG", "MPO") and image.mode in ("RGB", "L")
        ImageOps.exif_transpose(image, in_place=True)  # else it copies what is upright already
        upright = eight_bits(image)
        out = io.BytesIO()
        if turned_jpeg:
            upright.save(out, "JPEG", quality=95, subsampling=0)
        else:
            upright.save(out, "PNG", compress_level=1)
    return out.getvalue()


def eight_bits(image: Image.Image) -> Image.Image:
    """The image in mode L, LA, RGB or RGBA, 8 bits a channel; the same object where it is so already.

    Integers of 16 bits keep their high byte, as libpng does it; floats are taken as 0 to 1 where none is
    larger, else as 0 to 255.
    """
    if image.mode.startswith("I") or image.mode == "F":
        return _from_numbers(image)
    if image.has_transparency_data:
        mode = "LA" if image.mode in ("L", "LA") else "RGBA"
    else:
        mode = "L" if image.mode in ("1", "L") else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _from_numbers(image: Image.Image) -> Image.Image:
    """Mode L of integers or floats. Tiles are widened one by one, for a large image would take gigabytes."""
    is_float = image.mode == "F"
    factor = 1
    if is_float and np.fmax.reduce([np.fmax.reduce(tile, axis=None) for _, tile in _tiles(image)]) <= 1:
        factor = 255
    out = Image.new("L", image.size)
    for corner, tile in _tiles(image):
        values = np.nan_to_num(tile) * factor if is_float else tile.astype(np.int64) >> 8
        out.paste(Image.fromarray(values.clip(0, 255).astype(np.uint8)), corner)
    return out


def _tiles(image: Image.Image) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """Parts of an image: the left upper corner in pixels, and the values [height, width]."""
    for top in range(0, image.height, _TILE):
        for left in range(0, image.width, _TILE):
            right, bottom = min(left + _TILE, image.width), min(top + _TILE, image.height)
            yield (left, top), np.asarray(image.crop((left, top, right, bottom)))


def _graph_decodes(image: ImageFile.ImageFile, encoded: bytes) -> bool:
    if image.format in ("JPEG", "MPO"):
        return image.mode in ("RGB", "L") and _is_upright(image)
    if image.format == "PNG":
        # TensorFlow knows a palette's transparent entries, not the one transparent colour of other modes.
        if image.mode != "P" and "transparency" in image.info:
            return False
        # Pillow decodes a whole PNG to look for its EXIF block; the search spares nearly all of them that.
        return b"eXIf" not in encoded or _is_upright(image)
    if image.format == "BMP":
        # TensorFlow reads a palette as grayscale and the unused fourth byte of a pixel as alpha.
        header, bits, compression = (_little(encoded[a:b]) for a, b in ((14, 18), (28, 30), (30, 34)))
        return header >= 40 and bits == 24 and compression == 0
    if image.format == "GIF":
        # TensorFlow paints transparent pixels black, and a frame smaller than its canvas likewise.
        whole = [tile[1] for tile in image.tile] == [(0, 0, *image.size)]
        return "transparency" not in image.info and whole and _has_one_frame(encoded)
    return False


def _has_one_frame(encoded: bytes) -> bool:
    """Whether a GIF is a still: TensorFlow decodes all frames to take one, and a small file may hold many."""
    try:
        with opening(encoded) as image:
            return not getattr(image, "is_animated", True)
    except UnusableError:  # behind its first frame, which may still be whole
        return False


def _little(number: bytes) -> int:
    return int.from_bytes(number, "little")


def _is_upright(image: Image.Image) -> bool:
    return image.getexif().get(_ORIENTATION, _UPRIGHT) not in range(2, 9)
