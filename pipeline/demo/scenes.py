"""Scenes: a glyph set into a small cluttered picture; the same for the source task and the target task.

Byte for byte the same on every machine: integers throughout. Float sums, exp and sin, and Pillow's resampling
may differ in the last bit between processors and builds, and one bit changes a content hash. (`rng.integers`
is stable across numpy 1.26 and 2.x; the frozen hash in the tests of `digits` watches it.)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SIZE = 32  # pixels, square
CHUNK = 2048  # scenes composed at once: about 25 MB an intermediate array

# Ranges of what varies, both ends included.
GLYPH_SIDE = (22, 28)  # pixels of a scene that the mask's longer side spans
MAX_SINE = 36  # of the rotation, in 256ths: 8 degrees
MAX_SHEAR = 24  # in 256ths
MAX_BEND = 20  # in 256ths: how far, of half a glyph, its ends bend aside from its middle
WEIGHT = (95, 145)  # the mask level, of 255, at which ink begins: the lower, the bolder
CONTRAST = (80, 160)  # grey levels between glyph and background
TINT = 25  # grey levels a channel may differ
CLUTTER_CONTRAST = 20  # grey levels, either way, per shape behind the glyph
SHAPES = 2  # of each kind, each there with even odds
MAX_NOISE = 13  # grey levels

_COSINES = np.array([math.isqrt(256 * 256 - sine * sine) for sine in range(MAX_SINE + 1)], np.int64)

Ints = NDArray[np.int64]


def compose(masks: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Set each glyph into a scene of its own: place, size, rotation, slant, weight, colours, clutter, noise.

    Args:
        masks: uint8 [n, side, side], the square glyphs, 255 where there is ink; the glyph should fill it.
        rng: all randomness is drawn from it, so the same masks and seed give the same bytes.

    Returns:
        uint8 [n, 32, 32, 3].
    """
    scenes = np.empty((len(masks), SIZE, SIZE, 3), np.uint8)
    for start in range(0, len(masks), CHUNK):
        scenes[start : start + CHUNK] = _compose(masks[start : start + CHUNK], rng)
    return scenes


def _compose(masks: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    count = len(masks)
    ink = _weigh(_place(masks, rng), rng)[..., None]
    polarity = 1 - 2 * _draw(rng, (0, 1), count)
    contrast = polarity * _draw(rng, CONTRAST, count)
    # The background's mean lies so that the glyph's grey still fits into 20..235.
    low, high = 20 + np.maximum(0, -contrast), 235 - np.maximum(0, contrast)
    ground = (low + (high - low) * _draw(rng, (0, 1024), count) // 1024)[..., None]
    background = ground + _tint(rng, count) + _clutter(rng, count)
    foreground = ground + contrast[..., None] + _tint(rng, count)
    scene = (background * (255 - ink) + foreground * ink) // 255
    scene = _blur(scene, rng)
    amplitude = _draw(rng, (0, MAX_NOISE), count)[..., None]
    # The sum of three uniform draws is near enough to a bell.
    noise = rng.integers(-64, 65, (3, count, SIZE, SIZE, 3), dtype=np.int8).sum(axis=0, dtype=np.int64)
    return np.clip(scene + noise * amplitude // 64, 0, 255).astype(np.uint8)


def _draw(rng: np.random.Generator, between: tuple[int, int], count: int) -> Ints:
    """Integers, both ends included, [count, 1, 1]."""
    return rng.integers(between[0], between[1] + 1, (count, 1, 1), dtype=np.int64)


def _tint(rng: np.random.Generator, count: int) -> Ints:
    return rng.integers(-TINT, TINT + 1, (count, 1, 1, 3), dtype=np.int64)


def _place(masks: NDArray[np.uint8], rng: np.random.Generator) -> Ints:
    """Sample the masks through a random affine map, bilinearly; int64 [n, 32, 32] in 0..255."""
    count, side, _ = masks.shape
    across = _draw(rng, GLYPH_SIDE, count)
    # The narrower of width and height, for a stretch that both tasks share.
    narrow = across * _draw(rng, (205, 256), count) // 256
    tall = _draw(rng, (0, 1), count)
    width, height = np.where(tall, narrow, across), np.where(tall, across, narrow)
    sine = _draw(rng, (-MAX_SINE, MAX_SINE), count)
    cosine = _COSINES[np.abs(sine)]
    shear = _draw(rng, (-MAX_SHEAR, MAX_SHEAR), count)
    # The centre, in 256ths of a pixel; a glyph of full size stays near the middle.
    room = (SIZE - across) * 128
    centre_x = SIZE * 128 + room * _draw(rng, (-256, 256), count) // 256
    centre_y = SIZE * 128 + room * _draw(rng, (-256, 256), count) // 256

    grid = np.arange(SIZE, dtype=np.int64) * 256 + 128
    x, y = grid[None, None, :] - centre_x, grid[None, :, None] - centre_y
    turned_x = (cosine * x + sine * y) // 256
    turned_y = (cosine * y - sine * x) // 256
    turned_x = turned_x + shear * turned_y // 256
    half = across * 128
    turned_x = turned_x + _draw(rng, (-MAX_BEND, MAX_BEND), count) * turned_y * turned_y // (half * 256)
    turned_y = turned_y + _draw(rng, (-MAX_BEND, MAX_BEND), count) * turned_x * turned_x // (half * 256)
    # Into the mask's pixels, in 256ths; a border of zeros stands for everything outside.
    padded = np.pad(masks, ((0, 0), (1, 1), (1, 1))).astype(np.int64)
    column = np.clip(turned_x * side // width + (side + 1) * 128, 0, (side + 1) * 256 - 1)
    row = np.clip(turned_y * side // height + (side + 1) * 128, 0, (side + 1) * 256 - 1)
    left, right_part = column >> 8, column & 255
    top, lower_part = row >> 8, row & 255
    n = np.arange(count)[:, None, None]
    upper = padded[n, top, left] * (256 - right_part) + padded[n, top, left + 1] * right_part
    lower = padded[n, top + 1, left] * (256 - right_part) + padded[n, top + 1, left + 1] * right_part
    return (upper * (256 - lower_part) + lower * lower_part) >> 16


def _weigh(ink: Ints, rng: np.random.Generator) -> Ints:
    """Embolden or thin: a ramp of ink that begins at a random level."""
    start = _draw(rng, WEIGHT, len(ink)) - 40
    return np.clip((ink - start) * 255 // 80, 0, 255)


def _clutter(rng: np.random.Generator, count: int) -> Ints:
    """What lies behind the glyph: a slope of light, edges, bars and discs; int64 [count, 32, 32, 3]."""
    grid = np.arange(SIZE, dtype=np.int64) * 2 - (SIZE - 1)
    x, y = grid[None, None, :], grid[None, :, None]
    slope = x * _draw(rng, (-24, 24), count) + y * _draw(rng, (-24, 24), count)
    clutter = np.repeat((slope // SIZE)[..., None], 3, axis=3)
    for _ in range(SHAPES):
        for kind in ("edge", "bar", "disc"):
            at_x, at_y = (_draw(rng, (-SIZE, SIZE), count) for _ in range(2))
            dx, dy = (_draw(rng, (-256, 256), count) for _ in range(2))
            radius = _draw(rng, (2, 12), count)
            across = (x - at_x) * dy - (y - at_y) * dx
            if kind == "edge":
                inside = across > 0
            elif kind == "bar":
                inside = across * across <= radius * radius * (dx * dx + dy * dy) // 9
            else:
                inside = (x - at_x) ** 2 + (y - at_y) ** 2 <= radius * radius
            there = _draw(rng, (0, 1), count) * inside
            shade = (
                _draw(rng, (-CLUTTER_CONTRAST, CLUTTER_CONTRAST), count)[..., None] + _tint(rng, count) // 2
            )
            clutter = clutter + there[..., None] * shade
    return clutter


def _blur(scene: Ints, rng: np.random.Generator) -> Ints:
    """A 1-2-1 blur mixed in by a random part, none to all of it."""
    part = _draw(rng, (0, 256), len(scene))[..., None]
    padded = np.pad(scene, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    blurred = (rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]) // 16
    return (scene * (256 - part) + blurred * part) // 256
