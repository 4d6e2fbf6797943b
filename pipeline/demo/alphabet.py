"""Which letters may teach a base that will be asked about digits: those that no digit looks like.

`letters.LETTERS` is the frozen answer of `choose`; a test holds the two together. Look-alikes in the source
task would make the demo's transfer look better than it is.
"""

from __future__ import annotations

import string

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from headstart.pipeline.demo import letters

# No printed 4 is open, but a handwritten one often is, and looks like this.
_OPEN_FOURS = "Чч"
_GREEK = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ" + "αβγδεζηθικλμνξοπρστυφχψω"
_CYRILLIC = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ"
# In this order, so that of two letters of one shape the Latin one stays.
CANDIDATES = string.ascii_uppercase + string.ascii_lowercase + _GREEK + _CYRILLIC + _CYRILLIC.lower()

MAX_DIGIT_LIKENESS = 0.48
MAX_LETTER_LIKENESS = 0.83
_SIDE = 16  # of the grid on which shapes are compared: coarse, as the eye is with small print
_NARROW = 3  # times as high as wide: stretched to a square, such a glyph is a mere block


def choose() -> str:
    """The candidates that look like no digit and like no letter chosen before them."""
    of_digit = likeness(CANDIDATES, string.digits).max(axis=1)
    of_letter = likeness(CANDIDATES, CANDIDATES)
    chosen: list[int] = []
    for index, letter in enumerate(CANDIDATES):
        if letter in _OPEN_FOURS or of_digit[index] > MAX_DIGIT_LIKENESS:
            continue
        if all(of_letter[index, other] <= MAX_LETTER_LIKENESS for other in chosen):
            chosen.append(index)
    return "".join(CANDIDATES[index] for index in chosen)


def likeness(these: str, those: str) -> NDArray[np.float64]:
    """Correlation of the shapes of two sets of glyphs, float64 [these, those] in -1..1.

    Two glyphs of one font are compared with their proportions kept, and stretched to a square (an O is then
    a 0); the greater correlation counts, averaged over the fonts.
    """
    per_font = []
    for font in letters.FONTS:
        fits = zip(_shapes(these, font), _shapes(those, font))
        per_font.append(np.max([a @ b.T for a, b in fits], axis=0))
    return np.mean(per_font, axis=0)


def _shapes(glyphs: str, font: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors of mean 0, [glyphs, 256]: proportions kept, and stretched."""
    kept, stretched = [], []
    for glyph in glyphs:
        image = letters.render(glyph, font)
        fitted = letters.fit(image, _SIDE)
        narrow = image.height > _NARROW * image.width
        kept.append(np.asarray(fitted))
        stretched.append(np.asarray(fitted if narrow else image.resize((_SIDE, _SIDE), Image.Resampling.BOX)))
    return _standardise(kept), _standardise(stretched)


def _standardise(images: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
    flat = np.stack(images).reshape(len(images), -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)
