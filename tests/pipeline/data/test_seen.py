"""The images that a model has seen, as a file that goes with it."""

from headstart.pipeline.data import seen
from headstart.pipeline.data.seen import Seen


def test_training_and_validation_images_are_seen_and_test_images_are_not(tmp_path):
    rows = [
        {"sha256": "1", "split": "train", "group": "ann"},
        {"sha256": "2", "split": "validation", "group": ""},
        {"sha256": "3", "split": "test", "group": "bob"},
    ]
    found = seen.of_study(rows)
    assert found == Seen(frozenset("12"), frozenset({"ann"}))
    (found | Seen(frozenset("9"), frozenset({"eve"}))).write(tmp_path / seen.FILE)
    assert seen.read(tmp_path / seen.FILE) == Seen(frozenset("129"), frozenset({"ann", "eve"}))


def test_a_model_of_an_earlier_release_has_no_such_file(tmp_path):
    assert seen.read(tmp_path / seen.FILE) is None
