"""Which blocks and grids a head may see."""

import numpy as np
import pytest

from headstart.components.shared.linear.features import (
    Candidate,
    InMemory,
    block_sets,
    candidates,
    early_block,
    last_block,
)


def _store(widths):
    return InMemory({part: np.zeros((2, width), np.float16) for part, width in widths.items()})


def test_the_sets_end_in_the_last_block():
    assert block_sets(18) == {
        "last": (17,),
        "top four": (14, 15, 16, 17),
        "upper half": tuple(range(9, 18)),
        "all": tuple(range(18)),
    }


@pytest.mark.parametrize(
    ("blocks", "sizes"), [(1, [1]), (2, [1, 2]), (4, [1, 2, 4]), (6, [1, 3, 4, 6]), (8, [1, 4, 8])]
)
def test_sets_that_coincide_appear_once_and_grow(blocks, sizes):
    assert [len(chosen) for chosen in block_sets(blocks).values()] == sizes


def test_a_grid_that_changes_no_block_of_the_set_is_no_candidate():
    store = _store({(0, 1): 2, (0, 2): 8, (0, 3): 18, (1, 1): 3, (1, 2): 12, (1, 3): 12})
    assert [(one.name, one.grid) for one in candidates(store)] == [
        ("last", 1),
        ("last", 2),
        ("top four", 1),
        ("top four", 2),
        ("top four", 3),
    ]


def test_the_last_and_the_early_block():
    store = _store({(block, grid): 4 for block in range(18) for grid in (1, 4)})
    assert last_block(store) == Candidate("last", (17,), 1)
    assert early_block(store).parts == ((4, 4),)


def test_an_in_memory_store_gives_the_rows_it_is_asked_for():
    store = InMemory({(0, 1): np.arange(8, dtype=np.float32).reshape(4, 2)})
    assert (len(store), store.blocks, store.grids, store.width(0, 1)) == (4, 1, (1,), 2)
    np.testing.assert_array_equal(store.take(0, 1, np.array([2, 0])), [[4, 5], [0, 1]])
