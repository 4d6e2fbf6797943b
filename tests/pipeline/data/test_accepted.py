"""New images are compared with the accepted ones; params.yaml says what stops."""

import json
import random

import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config.images import Prepare
from headstart.pipeline.data import accepted
from headstart.pipeline.data.image_facts import Facts


def settings(**changes):
    return Prepare(seed=1, validation=0.1, test=0.1, max_unreadable=0.1, **changes)


def gray(count, low=80_000, high=160_000, seed=0):
    return [random.Random(seed * 10_000 + number).randint(low, high) for number in range(count)]


def facts(brightness=(), sharpness=()):
    """Images of which one measure or both are given; the other is like that of the accepted ones."""
    count = max(len(brightness), len(sharpness))
    both = (brightness or gray(count, seed=90), sharpness or gray(count, seed=91))
    return [Facts("", 1, 1, 1, *values) for values in zip(*both)]


ACCEPTED = accepted.of("pets", ["dog", "cat"], facts(gray(500), gray(500)))


def check(classes=("cat", "dog"), brightness=(), sharpness=(), **changes):
    return accepted.check(ACCEPTED, classes, facts(brightness, sharpness), settings(**changes))


def test_images_like_the_accepted_ones_pass_without_a_word():
    for seed in range(1, 30):
        assert check(brightness=gray(40, seed=seed), sharpness=gray(40, seed=seed + 50)).told == ()
    assert check().told == ()


def test_a_new_class_stops_and_names_the_command_that_accepts_it():
    with pytest.raises(HeadstartError, match=r"the class 'owl' is new.* `headstart data accept`"):
        check(("cat", "dog", "owl"))


def test_a_vanished_class_stops():
    with pytest.raises(HeadstartError, match="the class 'dog' is no longer there"):
        check(("cat",))


def test_what_params_yaml_lets_pass_is_noted():
    notes = check(("cat", "emu", "owl"), new_class="warn", vanished_class="warn")
    assert notes.new_classes == ("emu", "owl")
    assert [told.split(".")[0] for told in notes.told] == [
        "The 2 classes 'emu', 'owl' are new",
        "The class 'dog' is no longer there",
    ]


def test_darker_images_warn_or_stop():
    dark = gray(40, 20_000, 70_000)
    (told,) = check(brightness=dark).told
    assert told.startswith("The 40 new training images are darker: 100% have a brightness of at most 8")
    assert "10% of the accepted ones" in told and "The run goes on" in told
    with pytest.raises(HeadstartError, match="darker"):
        check(brightness=dark, shift="stop")
    assert check(brightness=dark, max_shift=1.0).told == ()


def test_brighter_and_sharper_images_are_named_so():
    high = gray(200, 150_000, 250_000)
    assert "brighter" in check(brightness=high).told[0]
    assert "sharper" in check(sharpness=high).told[0]
    assert "more blurred" in check(sharpness=gray(200, 10, 2_000)).told[0]


def test_a_few_odd_images_are_no_shift():
    assert check(brightness=gray(3, 20_000, 70_000)).told == ()


def test_equal_values_are_no_shift_of_themselves():
    flat = facts([7] * 100, [7] * 100)
    known = accepted.of("pets", ["cat", "dog"], flat)
    assert accepted.check(known, ["cat", "dog"], flat, settings(max_shift=0.0)).told == ()


def test_the_files_hold_what_was_written(tmp_path):
    file = tmp_path / "accepted.json"
    file.write_bytes(ACCEPTED.encoded())
    assert accepted.read(file, "pets") == ACCEPTED
    assert accepted.read(file, "flowers") is None
    assert accepted.read(tmp_path / "absent.json", "pets") is None
    notes = check(("cat", "dog", "öwl"), new_class="warn")
    file.write_bytes(notes.encoded())
    assert accepted.read_notes(file) == notes
    assert accepted.read_notes(tmp_path / "absent.json") == accepted.Notes()


@pytest.mark.parametrize("text", ["", "<<<<<<< HEAD", json.dumps({"dataset": "pets"})])
def test_a_damaged_file_is_refused(tmp_path, text):
    (tmp_path / "accepted.json").write_text(text)
    with pytest.raises(HeadstartError, match="git checkout accepted.json"):
        accepted.read(tmp_path / "accepted.json", "pets")
