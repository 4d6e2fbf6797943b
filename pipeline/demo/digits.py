"""The demo's target task: scikit-learn's 1,797 real handwritten digits, each in a scene, as image files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from headstart.components.shared.files import replacing
from headstart.pipeline.demo import scenes

_PNG_HEADER = b"\x89PNG\r\n\x1a\n"


def write(folder: Path, seed: int) -> dict[str, int]:
    """Write `<folder>/<digit>/<nnnn>.png`, byte for byte the same on every machine; nnnn counts all images.

    The folder appears whole or not at all: the images are written beside it, then it is renamed. One that is
    there already is replaced.

    Args:
        folder: where the class folders "0" to "9" go; its parents are made.
        seed: of the scenes.

    Returns:
        Images per class, in the order of the classes.
    """
    images, labels = load(seed)
    with replacing(folder, "demo") as fresh:
        for digit in range(10):
            (fresh / str(digit)).mkdir(parents=True)
        for number, (image, label) in enumerate(zip(images, labels)):
            (fresh / str(label) / f"{number:04}.png").write_bytes(encode_png(image))
    return {str(digit): int(count) for digit, count in enumerate(np.bincount(labels))}


def load(seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The digits in their scenes: uint8 [1797, 32, 32, 3], and their labels, int64 [1797] in 0..9."""
    from sklearn.datasets import load_digits

    data = load_digits()
    masks = smooth(data.images.astype(np.int64))
    return scenes.compose(masks, np.random.default_rng(seed)), data.target.astype(np.int64)


def smooth(digits: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Enlarge digits fourfold without steps, in whole numbers.

    Args:
        digits: int64 [n, 8, 8] in 0..16, as scikit-learn has them (counts of ink in 4 x 4 cells).

    Returns:
        uint8 [n, 32, 32] in 0..255: each cell's 4 x 4 pixels, box-blurred twice (a quadratic spline).
    """
    fine = digits.repeat(4, axis=1).repeat(4, axis=2)
    for axis in (1, 2):
        for before, after in ((2, 1), (1, 2)):
            widths = [(0, 0), (0, 0), (0, 0)]
            widths[axis] = (before, after)
            padded = np.pad(fine, widths)
            side = fine.shape[axis]
            fine = np.sum([np.take(padded, range(k, k + side), axis=axis) for k in range(4)], axis=0)
    return (fine * 255 // (16 * 4**4)).astype(np.uint8)


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """A PNG file of an image, uint8 [h, w, 3], h * (3 w + 1) < 65,536, that does not depend on any zlib.

    Compressed bytes differ between zlib, zlib-ng and their versions, and Pillow and Python come with either;
    so the pixels go into one stored block of deflate. A compressed file would be no smaller: the noise of a
    scene does not compress.
    """
    height, width, _ = image.shape
    rows = np.concatenate(
        [np.zeros((height, 1), np.uint8), image.reshape(height, width * 3)], axis=1
    ).tobytes()
    size = struct.pack("<HH", len(rows), len(rows) ^ 0xFFFF)
    stored = b"\x78\x01" + b"\x01" + size + rows + struct.pack(">I", zlib.adler32(rows))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)  # 8 bits, RGB
    return _PNG_HEADER + _chunk(b"IHDR", header) + _chunk(b"IDAT", stored) + _chunk(b"IEND", b"")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
