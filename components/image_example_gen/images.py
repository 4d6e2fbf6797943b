"""What the TensorFlow graph cannot decode is turned into a file that it can; the rest passes unchanged.

ImageExampleGen, `headstart predict` and `headstart serve` all send images through `for_graph`, so that
training and serving see the same pixels.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFile, ImageOps

from headstart.components.image_example_gen.opener import UnusableError, load, opening

_ORIENTATION = 0x0112
_UPRIGHT = 1
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
        upright = eight_bits(ImageOps.exif_transpose(image))
        out = io.BytesIO()
        if turned_jpeg:
            upright.save(out, "JPEG", quality=95, subsampling=0)
        else:
            upright.save(out, "PNG", compress_level=1)
    return out.getvalue()


def eight_bits(image: Image.Image) -> Image.Image:
    """The image in mode L, LA, RGB or RGBA, 8 bits a channel.

    Integers of 16 bits keep their high byte, as libpng does it; floats are taken as 0 to 1 where none is
    larger, else as 0 to 255.
    """
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image)
        if image.mode == "F":
            values = np.nan_to_num(values) * (255 if np.nanmax(values) <= 1 else 1)
        else:
            values = values.astype(np.int64) >> 8
        return Image.fromarray(values.clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        return image.convert("LA" if image.mode in ("L", "LA") else "RGBA")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


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
