"""What a study tells while it runs."""

from pipeline.design import Planned, Subset
from pipeline.runner import _left


def planned(strategy, images):
    return Planned(strategy, Subset(images / 100, images, None, 0), promotable=images == 100)


CELLS = [planned(strategy, images) for images in (100, 25) for strategy in ("scratch", "frozen")]


def test_the_time_left_goes_by_the_cells_of_the_same_strategy_and_the_root_of_their_images():
    done = {CELLS[0].node: 100.0, CELLS[1].node: 8.0}
    assert _left(CELLS, done) == ", about 54 s left"  # half of each
    assert _left(CELLS, {CELLS[0].node: 400.0, CELLS[1].node: 8.0}) == ", about 3 min left"


def test_a_strategy_that_has_not_run_makes_no_telling():
    assert _left(CELLS, {CELLS[0].node: 100.0}) == ""
    assert _left(CELLS, {}) == ""


def test_after_the_last_cell_nothing_is_left():
    assert _left(CELLS, {cell.node: 1.0 for cell in CELLS}) == ""
