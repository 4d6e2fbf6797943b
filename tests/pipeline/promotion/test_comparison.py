"""Champion and candidate on the test images that are new to both."""

import hashlib
import math

import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data.seen import NOTHING, Seen
from headstart.pipeline.promotion import comparison
from headstart.pipeline.serving import models
from headstart.pipeline.serving.models import Prediction


def sha(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def rows(tmp_path):
    """Forty images of two classes, of which a candidate has one wrong; half of each class is dark."""
    made = []
    for number in range(40):
        label, path = "ab"[number % 2], f"{number:02}.png"
        (tmp_path / path).write_bytes(path.encode())
        made.append(
            {"path": path, "label": label, "split": "test", "rank": "-1", "sha256": sha(path.encode())}
            | {"brightness": "dark" if number < 20 else "bright", "source": "-", "unit": path}
            | {"predicted": "b" if number == 0 else label, "confidence": "0.9"}
        )
    return made


@pytest.fixture
def champion(rows, monkeypatch):
    """Its answers by file content; it is wrong about the first of every four."""
    wrong = {row["path"].encode() for row in rows[::4]}
    truth = {row["path"].encode(): row["label"] for row in rows}

    def predict(_, images):
        return (Prediction("gone" if one in wrong else truth[one], {}) for one in images)

    monkeypatch.setattr(models, "predict", predict)


def compared(rows, folder, seen=NOTHING):
    return comparison.compare(rows, folder, folder / "model", "3", seen, 0.95)


@pytest.mark.slow
def test_both_are_judged_overall_and_on_every_slice(rows, champion, tmp_path):
    found = compared(rows, tmp_path)
    assert (found.version, found.images, found.left_out) == ("3", 40, 0)
    assert (found.before, found.after) == (pytest.approx(0.75), pytest.approx(0.975))
    assert 0.09 < found.gain_low < 0.225
    slices = {one.name: (one.images, one.before, one.after) for one in found.slices}
    assert slices == {
        "label a": (20, 0.5, 0.95),
        "label b": (20, 1.0, 1.0),
        "brightness dark": (20, 0.75, 0.95),
        "brightness bright": (20, 0.75, 1.0),
    }


@pytest.mark.slow
def test_images_that_the_champion_has_seen_do_not_count(rows, champion, tmp_path):
    known = Seen(frozenset(row["sha256"] for row in rows[:20]), frozenset())
    found = compared(rows, tmp_path, known)
    assert (found.images, found.left_out) == (20, 20)
    assert found.after == 1.0


def test_where_it_has_seen_all_nothing_is_compared(rows, champion, tmp_path):
    known = Seen(frozenset(row["sha256"] for row in rows), frozenset())
    found = compared(rows, tmp_path, known)
    assert (found.images, found.left_out, found.gain_low) == (0, 40, -math.inf)


def test_a_copy_or_a_member_of_a_group_that_was_seen_is_left_out(rows):
    rows[3]["unit"] = rows[4]["unit"]
    rows[5] |= {"group": "ann"}
    known = Seen(frozenset({rows[4]["sha256"]}), frozenset({"ann"}))
    left = comparison.unseen(rows, known)
    assert [row["path"] for row in rows if row not in left] == ["03.png", "04.png", "05.png"]


def test_an_image_that_changed_since_the_study_is_named(rows, tmp_path):
    (tmp_path / "07.png").write_bytes(b"another")
    with pytest.raises(HeadstartError, match=r"07\.png has changed since .* `dvc repro`"):
        comparison.file_of(rows[7], tmp_path)
    (tmp_path / "07.png").unlink()
    with pytest.raises(HeadstartError, match=r"07\.png is not here"):
        comparison.file_of(rows[7], tmp_path)
    assert comparison.file_of(rows[8], tmp_path) == tmp_path / "08.png"
