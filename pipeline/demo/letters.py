"""The demo's source task: printed letters from the fonts that come with matplotlib, each set into a scene."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from headstart.pipeline.demo import scenes

# The classes. `alphabet.choose` finds them: no look-alike of a digit, and no two of one shape.
LETTERS = "AHKLMNPVWXYfkmrtΓΔΦΨαβζκλμνξπτφχωДЖИЛЦШЩЪЫЮгдмтфцщя"

# These sixteen hold Latin, Greek and Cyrillic letters.
FONTS = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSansMono{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
)

_POINTS = 96  # rendered large, then reduced
_SIDE = 32  # of a mask
# Written with a thin or a broad pen: width in pixels of the mask, and blur.
_PENS = ((1, 1.0), (3, 1.5))


def generate(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Scenes of letters, every letter and font as often as any other.

    Args:
        count: how many scenes.
        seed: of the choice of letters and fonts, and of the scenes.

    Returns:
        uint8 [count, 32, 32, 3] and their labels, int64 [count], positions in `LETTERS`. The same on every
        machine with the same FreeType; another FreeType may move single grey levels of an outline.
    """
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, len(LETTERS), count, dtype=np.int64)
    fonts = rng.integers(0, len(FONTS), count, dtype=np.int64)
    pens = rng.integers(0, len(_PENS), count, dtype=np.int64)
    return scenes.compose(masks()[pens, fonts, labels], rng), labels


@cache
def masks() -> NDArray[np.uint8]:
    """Every letter, uint8 [pens, fonts, letters, 32, 32], soft-edged so that scenes can weigh it."""
    glyphs = [[render(letter, font) for letter in LETTERS] for font in FONTS]
    return np.array([[[_mask(glyph, *pen) for glyph in row] for row in glyphs] for pen in _PENS])


def render(glyph: str, font: str) -> Image.Image:
    """One glyph, white on black (mode "L"), cut to its bounding box.

    Args:
        glyph: one character.
        font: one of `FONTS`.
    """
    canvas = Image.new("L", (3 * _POINTS, 3 * _POINTS))
    ImageDraw.Draw(canvas).text((_POINTS, _POINTS), glyph, font=_open(font), fill=255)
    return canvas.crop(canvas.getbbox())


@cache
def _open(font: str) -> ImageFont.FreeTypeFont:
    import matplotlib

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    # The basic layout is in every Pillow; Raqm is not.
    return ImageFont.truetype(path, _POINTS, layout_engine=ImageFont.Layout.BASIC)


def fit(glyph: Image.Image, side: int) -> Image.Image:
    """Centre a glyph in a square of its longer side, then scale it to `side` x `side`."""
    longer = max(glyph.size)
    square = Image.new("L", (longer, longer))
    square.paste(glyph, ((longer - glyph.width) // 2, (longer - glyph.height) // 2))
    return square.resize((side, side), Image.Resampling.BOX)


def _mask(glyph: Image.Image, width: int, blur: float) -> NDArray[np.uint8]:
    inner = fit(glyph, _SIDE - 4)
    square = Image.new("L", (_SIDE, _SIDE))
    square.paste(inner, (2, 2))
    if width > 1:  # Pillow 12 dies of MaxFilter(1)
        square = square.filter(ImageFilter.MaxFilter(width))
    return np.asarray(square.filter(ImageFilter.GaussianBlur(blur)))
