"""Scenes: drawn in whole numbers from a seed, with the glyph left in them."""

import numpy as np

from headstart.pipeline.demo import scenes


def _bars(count: int) -> np.ndarray:
    masks = np.zeros((count, 32, 32), np.uint8)
    masks[:, 2:30, 11:21] = 255
    return masks


def _compose(masks: np.ndarray, seed: int) -> np.ndarray:
    return scenes.compose(masks, np.random.default_rng(seed))


def test_one_seed_gives_the_same_bytes_and_another_seed_others():
    masks = _bars(20)
    first = _compose(masks, 5)
    assert first.shape == (20, 32, 32, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(_compose(masks, 5), first)
    assert (_compose(masks, 6) != first).mean() > 0.9


def test_no_two_scenes_are_alike():
    assert len({scene.tobytes() for scene in _compose(_bars(200), 0)}) == 200


def test_the_glyph_is_in_the_scene_and_nothing_else_changes_with_it():
    """With and without the glyph a scene is the same elsewhere; on it, levels move by its contrast."""
    with_glyph, without = _compose(_bars(300), 1).astype(int), _compose(0 * _bars(300), 1).astype(int)
    moved = np.abs(with_glyph - without).mean(axis=-1)
    assert (np.sort(moved.reshape(300, -1))[:, 1024 - 30] > scenes.CLUTTER_CONTRAST // 3).mean() > 0.95
    assert (moved == 0).mean() > 0.5


def test_glyphs_are_as_often_darker_as_lighter_than_their_ground():
    difference = _compose(_bars(1000), 2).astype(int) - _compose(0 * _bars(1000), 2)
    lighter = (difference.sum(axis=(1, 2, 3)) > 0).mean()
    assert 0.45 < lighter < 0.55


def test_chunks_leave_no_gap(monkeypatch):
    monkeypatch.setattr(scenes, "CHUNK", 50)
    many = _compose(_bars(103), 3)
    assert many.std(axis=(1, 2, 3)).min() > 0
    np.testing.assert_array_equal(many[:50], _compose(_bars(50), 3))
