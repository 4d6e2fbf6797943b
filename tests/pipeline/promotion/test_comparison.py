"""Champion and candidate on the test images that are new to both."""

import hashlib
import math

import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data.seen import NOTHING, Seen
from headstart.pipeline.promotion import comparison
from headstart.pipeline.results.candidate import CONFIDENCE, PREDICTED, UNIT
from headstart.pipeline.serving import models
from headstart.pipeline.serving.models import Prediction
from headstart.pipeline.tracking import registry
from headstart.pipeline.tracking.registry import Version


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
            | {"brightness": "dark" if number < 20 else "bright", "source": "-", UNIT: path}
            | {PREDICTED: "b" if number == 0 else label, CONFIDENCE: "0.9"}
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


@pytest.fixture
def compared(monkeypatch, tmp_path):
    """Compares; `known` is what the champion has seen, `seen` what the candidate has."""

    def compare(rows, known=NOTHING, seen=NOTHING):
        monkeypatch.setattr(registry, "images_seen", lambda _: known)
        version = Version("3", "models:/m-1", "run", {})
        return comparison.compare(rows, tmp_path, tmp_path / "model", version, seen, 0.95)

    return compare


@pytest.mark.slow
def test_both_are_judged_overall_and_on_every_slice(rows, champion, compared):
    found = compared(rows)
    assert (found.version, found.images, found.units, found.left_out) == ("3", 40, 40, 0)
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
def test_images_that_one_of_them_has_seen_do_not_count(rows, champion, compared):
    known, grown = (
        Seen(frozenset(row["sha256"] for row in some), frozenset()) for some in (rows[:10], rows[5:20])
    )
    found = compared(rows, known, grown)
    assert (found.images, found.left_out, found.recorded) == (20, 20, True)
    assert found.after == 1.0
    assert not compared(rows, None).recorded


def test_where_all_were_seen_nothing_is_compared(rows, champion, compared):
    known = Seen(frozenset(row["sha256"] for row in rows), frozenset())
    found = compared(rows, known)
    assert (found.images, found.units, found.left_out, found.gain_low) == (0, 0, 40, -math.inf)


@pytest.mark.slow
@pytest.mark.parametrize(
    "column", ["baseline", "candidate", "label_index", "unit", "predicted", "confidence"]
)
def test_a_column_of_the_users_may_have_any_name(rows, champion, compared, column):
    named = [{**row, column: "dark" if number < 20 else "bright"} for number, row in enumerate(rows)]
    found = {one.name: one.after for one in compared(named).slices}
    assert found[f"{column} dark"] == pytest.approx(0.95) and found[f"{column} bright"] == 1.0


def test_a_copy_or_a_member_of_a_group_that_was_seen_is_left_out(rows):
    rows[3][UNIT] = rows[4][UNIT]
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
