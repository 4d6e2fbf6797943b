"""Numbers from float16, in which features are stored, to float32, in which they are computed with."""

from __future__ import annotations

import numpy as np

_BLOCK = 1 << 17  # numbers converted at a time, so that they stay in the processor's cache
_KEPT = np.int32(0x8FFFE000 - (1 << 32))  # the sign, and the 15 bits of exponent and fraction
_BIAS = np.float32(2.0**112)  # the exponents of float32 start at -127, those of float16 at -15


def widen(
    values: np.ndarray,
    out: np.ndarray,
    mean: np.ndarray | None = None,
    factor: np.ndarray | None = None,
) -> None:
    """Copy, and standardise on the way.

    It is exact for finite numbers; the store has no others, and they would become finite here. It shifts bits
    instead of calling numpy's conversion, which takes five times as long.

    Args:
        values: float16 or float32 [rows, width].
        out: float32 [rows, width], written; its rows may be part of longer ones.
        mean: float32 [width], subtracted.
        factor: float32 [width], multiplied with after that.
    """
    step = max(1, _BLOCK // max(1, values.shape[1]))
    for at in range(0, len(values), step):
        some, to = values[at : at + step], out[at : at + step]
        if some.dtype == np.float16:
            bits = to.view(np.int32)
            bits[...] = some.view(np.int16)
            bits <<= 13
            bits &= _KEPT
            to *= _BIAS
        else:
            to[...] = some
        if mean is not None:
            to -= mean
        if factor is not None:
            to *= factor


def widened(values: np.ndarray) -> np.ndarray:
    """A float32 copy of float16 or float32 [rows, width]."""
    out = np.empty(values.shape, np.float32)
    widen(values, out)
    return out
