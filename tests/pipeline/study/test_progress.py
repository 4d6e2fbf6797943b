"""What a run prints."""

from headstart.pipeline.study.progress import _left


def test_the_time_left_is_told_in_seconds_and_then_in_minutes():
    assert _left(54.2) == ", about 54 s left"
    assert _left(170.0) == ", about 3 min left"


def test_after_the_last_cell_nothing_is_left():
    assert _left(0.0) == ""
