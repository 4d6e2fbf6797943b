"""Image files of all kinds that clients send, good and bad."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image


def encoded(image: Image.Image, fmt: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def photo(seed: int = 0, size: tuple[int, int] = (40, 30)) -> Image.Image:
    """A few coloured blocks: what a codec does to them is small."""
    blocks = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC)


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def good(seed: int = 0) -> dict[str, bytes]:
    """One photo in the formats that import takes."""
    image = photo(seed)
    return {
        "JPEG": encoded(image, "JPEG"),
        "PNG": encoded(image, "PNG"),
        "GIF": encoded(image, "GIF"),
        "BMP": encoded(image, "BMP"),
        "WebP": encoded(image, "WEBP"),
        "TIFF": encoded(image, "TIFF"),
        "HEIC": encoded(image, "HEIF", quality=95),
        "CMYK": encoded(image.convert("CMYK"), "JPEG"),
        "rotated": encoded(image, "JPEG", exif=turned(6)),
        "16 bits": encoded(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 256), "PNG"),
        "animated": encoded(image, "GIF", save_all=True, append_images=[photo(seed + 1)]),
    }


def bomb() -> bytes:
    """A PNG of under a kilobyte that claims 60,000 x 60,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(60_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def flipped(data: bytes) -> bytes:
    """A file with a byte in the middle changed: of a PNG, its checksum shows."""
    changed = bytearray(data)
    changed[len(data) // 2] ^= 0xFF
    return bytes(changed)


def bad(seed: int = 0) -> dict[str, bytes]:
    """What cannot be used."""
    files = good(seed)
    return {
        "empty": b"",
        "text": b"a note",
        "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "PDF": b"%PDF-1.7\n",
        "ICO": encoded(photo(seed), "ICO"),
        "cut JPEG": files["JPEG"][:-200],
        "cut PNG": files["PNG"][:-40],
        "cut GIF": files["GIF"][:200],
        "cut WebP": files["WebP"][:60],
        "cut HEIC": files["HEIC"][:-100],
        "changed PNG": flipped(files["PNG"]),
        "bomb": bomb(),
        "header only": b"\x89PNG\r\n\x1a\n",
        "JPEG header only": b"\xff\xd8\xff\xe0",
    }
