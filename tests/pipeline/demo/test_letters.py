"""The source task: letters that look like no digit, evenly drawn, in the same scenes as the digits."""

import string

import numpy as np

from headstart.pipeline.demo import alphabet, letters


def test_the_letters_are_those_that_look_like_no_digit_and_no_other_letter():
    assert alphabet.choose() == letters.LETTERS
    assert 45 <= len(letters.LETTERS) <= 55


def test_no_digit_and_no_famous_look_alike_is_among_them():
    assert not set(letters.LETTERS) & set(string.digits + "OoQDIlijJZzSsBbGgqeCcЗзЭэбЧчδθΘ")


def test_likeness_is_one_for_the_same_shape_and_does_not_mind_proportions():
    same, stretched, unlike = alphabet.likeness("O", "O0m")[0]
    assert abs(same - 1) < 1e-9
    assert stretched > 0.9 > 0.3 > unlike


def test_scenes_of_letters_are_the_same_for_a_seed_and_cover_every_letter():
    images, labels = letters.generate(2000, seed=4)
    again, _ = letters.generate(2000, seed=4)
    assert images.shape == (2000, 32, 32, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(again, images)
    assert np.bincount(labels, minlength=len(letters.LETTERS)).min() > 10


def test_every_letter_is_drawn_in_every_font():
    masks = letters.masks()
    assert masks.shape[1:] == (len(letters.FONTS), len(letters.LETTERS), 32, 32)
    assert masks.max(axis=(-2, -1)).min() > 128
    # A letter that a font lacks would be the font's one box, alike for all.
    shapes = {mask.tobytes() for mask in masks[0].reshape(-1, 32, 32)}
    assert len(shapes) > 0.95 * len(letters.FONTS) * len(letters.LETTERS)
