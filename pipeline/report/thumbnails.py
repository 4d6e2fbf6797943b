"""The test images that one strategy gets right and the other wrong, and small pictures of them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from headstart.components.image_example_gen.images import eight_bits
from headstart.components.image_example_gen.opener import UnusableError, opening

Rows = Sequence[dict[str, str]]


@dataclass(frozen=True)
class Disagreement:
    """One test image that only one of two strategies gets right."""

    path: str
    label: str
    left: str  # predicted
    right: str
    confidence: float  # of the wrong answer, 0…1


@dataclass(frozen=True)
class Disagreements:
    """Both ways; the lists hold the most confident mistakes first and may be cut, the counts are of all."""

    only_left: list[Disagreement]  # the left strategy alone is right
    only_right: list[Disagreement]
    left_count: int
    right_count: int


def disagreements(left: Rows, right: Rows, limit: int) -> Disagreements:
    """Compare the predictions of two strategies on the test images that both have.

    Args:
        left: rows of path, label, predicted, confidence.
        right: the same, of the other strategy.
        limit: images each way.
    """
    others = {row["path"]: row for row in right}
    only_left: list[Disagreement] = []
    only_right: list[Disagreement] = []
    for row in left:
        other = others.get(row["path"])
        if other is None or (row["predicted"] == row["label"]) == (other["predicted"] == row["label"]):
            continue
        left_is_right = row["predicted"] == row["label"]
        wrong = other if left_is_right else row
        found = Disagreement(
            row["path"],
            row["label"],
            row["predicted"],
            other["predicted"],
            float(wrong.get("confidence") or 0),
        )
        (only_left if left_is_right else only_right).append(found)
    return Disagreements(_first(only_left, limit), _first(only_right, limit), len(only_left), len(only_right))


def thumbnail(path: Path, side: int = 96) -> str | None:
    """A JPEG of at most `side` x `side` pixels as a data URI, upright, over white; never enlarged.

    Returns:
        None where the file is absent or holds no image that can be decoded.
    """
    try:
        with opening(path.read_bytes()) as image:
            image.draft("RGB", (2 * side, 2 * side))  # a large JPEG need not be decoded whole
            small = eight_bits(ImageOps.exif_transpose(image))
    except (OSError, UnusableError):
        return None
    small.thumbnail((side, side))
    if small.mode in ("LA", "RGBA"):
        white = Image.new("RGBA", small.size, "white")
        small = Image.alpha_composite(white, small.convert("RGBA"))
    out = io.BytesIO()
    # Rebuilt from its pixels: a photo's metadata (place, camera) has no business in a report.
    Image.fromarray(np.asarray(small.convert("RGB"))).save(out, "JPEG", quality=70, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def _first(found: list[Disagreement], limit: int) -> list[Disagreement]:
    return sorted(found, key=lambda one: (-one.confidence, one.path))[:limit]
