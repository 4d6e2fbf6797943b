"""What one image file is: its hash, its size, how bright and how sharp it looks; or why it cannot be used."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType

import numpy as np
from PIL import Image

from headstart.components.image_example_gen.images import eight_bits
from headstart.components.image_example_gen.opener import UnusableError, load, opening

__all__ = ["Facts", "UnusableError", "inspect", "meant_as_image"]

THUMBNAIL = 256  # pixels, the longer side at most

# A file with one of these endings was meant to be a photo; any other file that holds no image is no loss.
_ENDINGS = frozenset(
    f".{ending}"
    for ending in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "dib", "webp", "tif", "tiff", "avif", "jp2"),
        *("ppm", "pgm", "heic", "heif", "dng", "raw", "cr2", "cr3", "nef", "arw", "psd"),
    )
)


@dataclass(frozen=True)
class Facts:
    """What the manifest wants to know of an image; integers, so that they are the same on every machine."""

    sha256: str  # of the file
    bytes: int
    width: int  # pixels, as stored
    height: int
    brightness: int  # thousandths of a gray level: mean luma of the thumbnail, 0 to 255,000
    sharpness: int  # squared gray levels: variance of the thumbnail's Laplacian

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


def meant_as_image(path: str) -> bool:
    """Whether a file's name says that it is a photo."""
    return PurePath(path).suffix.lower() in _ENDINGS


def inspect(encoded: bytes, known: Mapping[str, Facts] = MappingProxyType({})) -> Facts:
    """Decode the whole first frame of an image file and measure it, unless its content is known.

    The thumbnail is the image over white, in luma (ITU-R 601-2), at most 256 pixels on its longer side, by
    box averaging; it is never enlarged.

    Args:
        encoded: the file's bytes.
        known: facts by SHA-256.

    Raises:
        UnusableError: the bytes are no image, are damaged or cut short, or hold more than 179 million pixels.
    """
    digest = hashlib.sha256(encoded).hexdigest()
    if digest in known:
        return known[digest]
    with opening(encoded) as image:
        width, height = image.size
        load(image, encoded, THUMBNAIL)
        luma = np.asarray(_thumbnail(image))
    return Facts(
        sha256=digest,
        bytes=len(encoded),
        width=width,
        height=height,
        brightness=int(luma.sum(dtype=np.int64)) * 1000 // luma.size,
        sharpness=_laplacian_variance(luma),
    )


def _thumbnail(image: Image.Image) -> Image.Image:
    image = eight_bits(image)
    longer = max(image.size)
    if longer > THUMBNAIL:
        size = (max(1, image.width * THUMBNAIL // longer), max(1, image.height * THUMBNAIL // longer))
        image = image.resize(size, Image.Resampling.BOX)
    if image.mode in ("LA", "RGBA"):
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("L")


def _laplacian_variance(luma: np.ndarray) -> int:
    """Variance of the 4-neighbour Laplacian inside the border, rounded down; 0 below 3 × 3 pixels."""
    if min(luma.shape) < 3:
        return 0
    luma = luma.astype(np.int16)  # a Laplacian of gray levels stays within ±1,020
    sides = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    laplacian = sides - 4 * luma[1:-1, 1:-1]
    count = laplacian.size
    squares = int(np.square(laplacian, dtype=np.int32).sum(dtype=np.int64))
    return (count * squares - int(laplacian.sum(dtype=np.int64)) ** 2) // count**2
