"""The one place where headstart opens unknown image files: few formats, few pixels, one error."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pillow_heif
from PIL import Image, ImageFile, UnidentifiedImageError

from headstart.components.shared.features import MAX_PIXELS

# Decoders for files that people keep as photos. Leaving the rest out keeps Pillow from starting Ghostscript
# on an EPS file, and from taking any bytes for a format that has no signature (TGA).
Image.init()
pillow_heif.register_heif_opener()
FORMATS = tuple(
    name
    for name in ("JPEG", "MPO", "PNG", "GIF", "BMP", "WEBP", "TIFF", "HEIF", "AVIF", "JPEG2000", "PPM")
    if name in Image.OPEN
)

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"

# Odd EXIF blocks and very large photos make Pillow warn; what cannot be used raises instead.
warnings.filterwarnings("ignore", module=r"PIL\.")


class UnusableError(Exception):
    """Why bytes cannot be used as an image, in a few words."""


@contextmanager
def opening(encoded: bytes) -> Iterator[ImageFile.ImageFile]:
    """Open an image file by its header, for a block that may decode it.

    Args:
        encoded: the file's bytes.

    Raises:
        UnusableError: the bytes are no image, or hold more than `MAX_PIXELS`; or Pillow failed in the block.
    """
    if not encoded:
        raise UnusableError("the file is empty")
    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            yield image
    except (UnusableError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise UnusableError(f"it has more than {MAX_PIXELS / 1e6:.0f} million pixels") from None
    except UnidentifiedImageError:
        raise UnusableError("not an image") from None
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, …
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnusableError(f"damaged: {what}") from None


def load(image: ImageFile.ImageFile, encoded: bytes, side: int | None = None) -> None:
    """Decode the whole first frame of an image, so that damage anywhere shows.

    Args:
        image: as `opening` gave it.
        encoded: the file's bytes.
        side: pixels; a JPEG may be decoded at a fraction of its size that is no smaller than this, which
            reads all of its data in less time. None decodes all pixels.

    Raises:
        UnusableError: a PNG is cut short; `opening` turns Pillow's errors about other damage into this.
    """
    if image.format == "PNG":
        # Pillow's decoder passes over checksums and an end that TensorFlow's insists on.
        if _PNG_END not in encoded:
            raise UnusableError("damaged: the end is missing")
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as again:
            again.verify()
    if side:
        image.draft("L", (side, side))
    image.load()
