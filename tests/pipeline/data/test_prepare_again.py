"""What a further run of prepare keeps, draws anew, tells and refuses."""

import numpy as np
import pytest
from PIL import Image

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import accepted, manifest
from tests.pipeline.data.preparing import folder, photo, prepare, with_prepare


def test_a_changed_pixel_changes_the_fingerprint_and_one_row(tmp_path):
    data = folder(tmp_path, cat=6, dog=6)
    _, before = prepare(data)
    mark = manifest.fingerprint(data.parent / "out" / "manifest.csv")
    photo(data / "cat" / "002.png", value=99)
    _, after = prepare(data)
    assert [r["path"] for r, s in zip(before, after, strict=True) if r["sha256"] != s["sha256"]] == [
        "cat/002.png"
    ]
    assert [(r["split"], r["rank"]) for r in before] == [(r["split"], r["rank"]) for r in after]
    assert manifest.fingerprint(data.parent / "out" / "manifest.csv") != mark


# Data that grows.


def test_images_that_join_move_no_other_and_the_same_again_is_the_same_bytes(tmp_path):
    data = folder(tmp_path, cat=20, dog=20)
    _, before = prepare(data)
    for number in range(15):
        photo(data / "cat" / f"new{number}.png")
    prepared, after = prepare(data)
    splits = {row["path"]: row["split"] for row in after}
    assert all(splits[row["path"]] == row["split"] for row in before)
    assert prepared.images["cat"] == {"train": 25, "validation": 5, "test": 5} and prepared.notes == []
    out = tmp_path / "out"
    files = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    prepare(data)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == files


def test_another_seed_draws_anew_and_tells_so(tmp_path):
    data = folder(tmp_path, cat=20, dog=20)
    _, before = prepare(data)
    prepared, after = prepare(data, with_prepare(seed=2))
    assert [row["split"] for row in before] != [row["split"] for row in after]
    assert (
        "drawn anew" in prepared.notes[0] and "seed 1" in prepared.notes[0] and "seed 2" in prepared.notes[0]
    )
    assert prepare(data, with_prepare(seed=2))[0].notes == []


def test_a_new_class_stops_before_anything_is_written(tmp_path):
    data = folder(tmp_path, cat=20, dog=20)
    prepare(data)
    out = tmp_path / "out"
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    folder(tmp_path, owl=10)
    with pytest.raises(HeadstartError, match="the class 'owl' is new"):
        prepare(data)
    kept = {path: path.read_bytes() for path in before if ".headstart" not in path.parts}
    assert kept == {path: content for path, content in before.items() if ".headstart" not in path.parts}


def test_a_warning_comes_again_until_the_images_are_accepted(tmp_path):
    data = folder(tmp_path, cat=20, dog=20)
    prepare(data)
    for label in ("cat", "dog"):
        for number in range(30):
            Image.fromarray(np.full((4, 4, 3), number, np.uint8)).save(
                data / label / f"dark{label}{number}.bmp"
            )
    for number in range(30):  # not the same bytes under two labels
        Image.fromarray(np.full((4, 5, 3), number, np.uint8)).save(data / "dog" / f"darkdog{number}.bmp")
    for _ in range(2):
        prepared, _ = prepare(data)
        assert "darker" in prepared.notes[0] and "more blurred" in prepared.notes[1]
        assert accepted.read_notes(tmp_path / "out/data_notes.json").told == tuple(prepared.notes)
    (tmp_path / "out/accepted.json").unlink()  # what `headstart data accept` does
    prepared, _ = prepare(data)
    assert prepared.notes == [] and prepare(data)[0].notes == []


def test_a_split_that_the_user_changes_is_told(tmp_path):
    data = folder(tmp_path, cat=20, dog=20)
    _, before = prepare(data)
    moved = next(row["path"] for row in before if row["split"] == "train")
    (data / "metadata.csv").write_text(f"path,split\n{moved},test\n")
    prepared, after = prepare(data)
    assert {row["path"]: row["split"] for row in after}[moved] == "test"
    assert prepared.notes == ["Moved to another split, as data/ or metadata.csv says: 1 old image(s)."]
