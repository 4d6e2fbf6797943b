"""Blocks pooled to grids."""

import numpy as np
import pytest

from headstart.components.shared.base import bases
from headstart.components.shared.base.pooling import MOST_CHANNELS, features, pool


@pytest.mark.parametrize("height, width, grid", [(4, 4, 2), (7, 7, 3), (7, 5, 4), (5, 5, 5), (6, 6, 1)])
def test_each_cell_is_the_mean_of_its_pixels_and_the_cells_cover_the_map(height, width, grid):
    maps = np.random.default_rng(0).normal(size=(2, height, width, 3)).astype(np.float32)
    (found,) = pool(maps, [grid])
    found = found.numpy().reshape(2, grid, grid, 3)
    seen = np.zeros((height, width), bool)
    for row in range(grid):
        for column in range(grid):
            rows = slice(row * height // grid, -(-(row + 1) * height // grid))
            columns = slice(column * width // grid, -(-(column + 1) * width // grid))
            seen[rows, columns] = True
            np.testing.assert_allclose(
                found[:, row, column], maps[:, rows, columns].mean(axis=(1, 2)), atol=1e-6
            )
    assert seen.all()


def test_several_grids_at_once_are_those_one_by_one():
    maps = np.random.default_rng(0).normal(size=(3, 7, 7, 4)).astype(np.float32)
    for grid, found in zip((1, 2, 4), pool(maps, [1, 2, 4])):
        np.testing.assert_allclose(found, pool(maps, [grid])[0], atol=1e-6)


def test_many_channels_are_projected_to_fewer_which_keeps_distances():
    maps = np.random.default_rng(0).normal(size=(20, 2, 2, 2 * MOST_CHANNELS)).astype(np.float32)
    (found,) = pool(maps, [2])
    assert found.shape == (20, 4 * MOST_CHANNELS)
    before = np.linalg.norm((maps[1:] - maps[:-1]).reshape(19, -1), axis=1)
    after = np.linalg.norm(found.numpy()[1:] - found.numpy()[:-1], axis=1)
    np.testing.assert_allclose(after, before, rtol=0.06)


def test_a_block_with_a_small_map_is_taken_on_no_finer_grid_than_it_has():
    base = bases.load("compact", "random", 16, {})  # its last two blocks end in maps of 2 x 2
    found = features(base, (1, 2, 3, 4))
    assert [grid for block, grid in found if block == 3] == [1, 2]
    assert found[3, 2] == 4 * 192
