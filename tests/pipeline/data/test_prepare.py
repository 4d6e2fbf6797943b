import csv
import io
import os
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import manifest
from headstart.pipeline.data import prepare as preparing
from tests.pipeline.data.preparing import counts, folder, photo, prepare, refused, with_prepare


def test_the_split_is_stratified_as_computed_by_hand(tmp_path):
    _, rows = prepare(folder(tmp_path, cat=20, dog=10, owl=3))
    assert counts(rows) == {
        # 15 % of 20 is 3
        ("cat", "train"): 14, ("cat", "validation"): 3, ("cat", "test"): 3,
        # 15 % of 10 is 1.5: halves up
        ("dog", "train"): 6, ("dog", "validation"): 2, ("dog", "test"): 2,
        # 15 % of 3 is 0.45: at least one
        ("owl", "train"): 1, ("owl", "validation"): 1, ("owl", "test"): 1,
    }  # fmt: skip


def test_the_outputs_are_the_same_bytes_wherever_and_in_whatever_order_the_files_lie(tmp_path):
    first = folder(tmp_path / "here", cat=12, dog=9)
    second = tmp_path / "elsewhere" / "deeper" / "data"
    for path in reversed(sorted(first.rglob("*.png"))):
        (second / path.relative_to(first)).parent.mkdir(parents=True, exist_ok=True)
        (second / path.relative_to(first)).write_bytes(path.read_bytes())
    prepare(first), prepare(second), prepare(second)
    for name in ("manifest.csv", "set_aside.csv", "subsets/0.1.csv", "subsets/1.csv"):
        one = (first.parent / "out" / name).read_bytes()
        assert one == (second.parent / "out" / name).read_bytes() and b"\r" not in one
    paths = [row["path"] for row in manifest.read(first.parent / "out" / "manifest.csv")]
    assert paths == sorted(paths)


def test_another_seed_makes_another_split_of_the_same_sizes(tmp_path):
    data = folder(tmp_path, cat=30, dog=30)
    _, one = prepare(data)
    _, two = prepare(data, with_prepare(seed=2))
    assert one != two and counts(one) == counts(two)


def test_the_folders_own_split_stands(tmp_path):
    data = folder(tmp_path, train__cat=4, train__dog=4, val__cat=1, val__dog=2, Test__cat=2, Test__dog=1)
    _, rows = prepare(data)
    assert counts(rows)["cat", "validation"] == 1 and counts(rows)["dog", "train"] == 4
    assert {row["path"].split("/")[0]: row["split"] for row in rows} == {
        "train": "train", "val": "validation", "Test": "test"
    }  # fmt: skip


@pytest.mark.parametrize(("given", "drawn"), [("test", "validation"), ("validation", "test")])
def test_a_split_that_the_folder_lacks_is_drawn_from_its_training_images(tmp_path, given, drawn):
    data = folder(tmp_path, **{"train__cat": 16, "train__dog": 16, f"{given}__cat": 4, f"{given}__dog": 4})
    _, rows = prepare(data)
    # 15 % of all 20 images of a class
    assert counts(rows) == {
        (c, s): n for c in ("cat", "dog") for s, n in (("train", 13), (drawn, 3), (given, 4))
    }
    assert all(row["path"].startswith("train/") for row in rows if row["split"] == drawn)


def test_classes_may_be_called_train_and_bus(tmp_path):
    _, rows = prepare(folder(tmp_path, train=5, bus=5))
    assert {row["label"] for row in rows} == {"train", "bus"}


def test_split_folders_beside_class_folders_are_refused(tmp_path):
    refused(folder(tmp_path, train__cat=3, test__cat=3, owl=3), "owl", "move")


# Rank and subsets.


def test_subsets_nest_and_each_has_every_class_in_its_share(tmp_path):
    data = folder(tmp_path, cat=60, dog=30, owl=10)
    prepared, rows = prepare(data)
    training = sorted((r for r in rows if r["split"] == "train"), key=lambda r: int(r["rank"]))
    assert [int(r["rank"]) for r in training] == list(range(68))  # 42 cats, 20 dogs, 6 owls
    assert {r["rank"] for r in rows if r["split"] != "train"} == {"-1"}
    first = {subset.fraction: subset for subset in prepared.subsets if not subset.draw}
    assert {fraction: subset.images for fraction, subset in first.items()} == {
        0.01: 3,
        0.05: 3,
        0.1: 7,
        0.25: 17,
        1.0: 68,
    }
    for subset in first.values():
        with (data.parent / "out" / subset.file).open(newline="") as file:
            assert list(csv.DictReader(file)) == [
                {"path": row["path"], "label": row["label"]} for row in training[: subset.images]
            ]
        assert {row["label"] for row in training[: subset.images]} == {"cat", "dog", "owl"}
    written = {path.name for path in (data.parent / "out" / "subsets").iterdir()}
    assert written == {subset.file.name for subset in prepared.subsets}
    assert "0.1-draw-5.csv" in written and "1-draw-2.csv" not in written
    # A tenth is 6.8 images: 4.2 cats, 2 dogs, 0.6 owls.
    assert Counter(row["label"] for row in training[:7]) == {"cat": 4, "dog": 2, "owl": 1}


# Folds.


def test_every_training_image_is_in_a_fold_and_no_other_image_is(tmp_path):
    _, rows = prepare(folder(tmp_path, cat=20, dog=10))
    assert list(rows[0])[3:6] == ["rank", "fold", "sha256"]
    # 14 cats and 6 dogs.
    assert Counter(row["fold"] for row in rows if row["split"] == "train") == {n: 4 for n in "12345"}
    assert {row["fold"] for row in rows if row["split"] != "train"} == {""}


def test_folds_by_time_and_their_column_is_no_slice(tmp_path):
    data = folder(tmp_path, cat=20, dog=10)
    paths = sorted(str(path.relative_to(data)) for path in data.rglob("*.png"))
    lines = [f"{path},{2000 + place}-01-01,x" for place, path in enumerate(paths)]
    (data / "metadata.csv").write_text("\n".join(["path,taken,scene", *lines]))
    _, rows = prepare(data, with_prepare(time="taken", folds=4))
    training = [row["fold"] for row in rows if row["split"] == "train"]
    assert training == sorted("01234" * 4)  # sorted by path, as the times are
    assert "taken" not in rows[0] and rows[0]["scene"] == "x"


# Copies and groups.


def test_a_training_copy_of_a_test_image_is_skipped(tmp_path):
    data = folder(tmp_path, train__cat=4, train__dog=4, test__cat=2, test__dog=2)
    copy = data / "train" / "cat" / "leak.png"
    copy.write_bytes((data / "test" / "cat" / "000.png").read_bytes())
    prepared, rows = prepare(data)
    assert prepared.set_aside == [
        ("train/cat/leak.png", "the same file as test/cat/000.png in the test split")
    ]
    assert len(rows) == 12


def test_the_split_column_wins(tmp_path):
    data = folder(tmp_path, cat=8, dog=8)
    rows = [
        f"{c}/{n:03}.png,{'TEST' if n < 3 else 'val' if n == 3 else ''}"
        for c in ("cat", "dog")
        for n in range(6)
    ]
    (data / "metadata.csv").write_text("\n".join(["path,split", *rows]))
    _, found = prepare(data)
    assert {row["path"] for row in found if row["split"] == "test"} == {
        f"{c}/{n:03}.png" for c in ("cat", "dog") for n in range(3)
    }
    assert counts(found)["dog", "validation"] == 1 and counts(found)["dog", "train"] == 4
    assert "scene" not in found[0] and list(found[0]) == list(preparing.COLUMNS)


# Slice columns.


def test_slices_are_the_thirds_of_the_training_images(tmp_path):
    data = tmp_path / "data"
    for step, c in enumerate(("cat", "dog")):
        (data / c).mkdir(parents=True)
        for number in range(30):
            gray = np.full((4 + 2 * number + step, 4), 8 * number + step, np.uint8)
            Image.fromarray(gray).save(data / c / f"{number:03}.png")
    (data / "cat" / "phone").mkdir()
    (data / "cat" / "000.png").rename(data / "cat" / "phone" / "000.png")
    _, rows = prepare(data)
    training = [row for row in rows if row["split"] == "train"]
    # 15 % of 30 is 4.5, so 5 are drawn twice: 40 are left, 13 of them in the outer thirds.
    for column, names in (("size", "small medium large"), ("brightness", "dark medium bright")):
        assert [Counter(row[column] for row in training)[name] for name in names.split()] == [13, 14, 13]
    named = {row["path"]: row for row in rows}
    assert named["cat/phone/000.png"]["source"] == "phone" and named["dog/000.png"]["source"] == "-"
    assert named["dog/000.png"]["brightness"] == "dark" and named["dog/029.png"]["brightness"] == "bright"


def test_images_of_one_size_are_all_medium_and_two_sizes_are_small_and_large():
    names = ("small", "medium", "large")
    assert preparing._bucketer([5] * 9, names)(5) == "medium" == preparing._bucketer([5] * 9, names)(7)
    two = preparing._bucketer([5] * 4 + [8] * 6, names)
    assert [two(value) for value in (1, 5, 6, 8, 9)] == ["small", "small", "small", "large", "large"]


# What is skipped, and what stops the run.


def test_broken_files_are_set_aside_with_their_reason_and_the_rest_goes_on(tmp_path):
    data = folder(tmp_path, cat=10, dog=10)
    whole = (data / "cat" / "000.png").read_bytes()
    (data / "cat" / "cut.png").write_bytes(whole[:-30])
    (data / "cat" / "empty.jpg").touch()
    (data / "cat" / "notes.txt").write_text("a note")
    (data / "dog" / "photo").write_bytes(
        photo(tmp_path / "a" / "b" / "c.png").read_bytes()
    )  # content decides
    (data / "dog" / "Thumbs.db").touch(), (data / "dog" / ".hidden.jpg").touch()
    (data / "loose.jpg").touch(), (data / "README.md").touch()
    (data / "dog" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (data / "dog" / "loop").symlink_to(data / "dog")
    os.symlink(data / "dog" / "001.png", data / "cat" / "link.png")  # the same bytes under two labels
    prepared, rows = prepare(data, with_prepare(max_unreadable=0.1))
    reasons = dict(prepared.set_aside)
    assert reasons.pop("cat/cut.png").startswith("damaged")
    assert reasons == {
        "cat/empty.jpg": "the file is empty",
        "cat/link.png": "the same file as dog/001.png, under another label",
        "cat/notes.txt": "not an image",
        "dog/001.png": "the same file as cat/link.png, under another label",
        "dog/gone.jpg": "a broken link",
        "dog/loop": "a link to a folder that it lies in",
        "loose.jpg": "not in a class folder",
    }
    assert len(rows) == 20 and "dog/photo" in {row["path"] for row in rows}
    text = (data.parent / "out" / "set_aside.csv").read_text()
    assert list(csv.reader(io.StringIO(text)))[1:] == [list(item) for item in prepared.set_aside]


def test_links_to_other_folders_are_followed(tmp_path):
    data = folder(tmp_path, cat=5)
    elsewhere = folder(tmp_path / "other", dog=5)
    (data / "dog").symlink_to(elsewhere / "dog")
    assert counts(prepare(data)[1])["dog", "train"] == 3


def test_too_many_unreadable_images_stop_the_run_and_are_listed(tmp_path):
    data = folder(tmp_path, cat=5, dog=5)
    for number in range(4):
        (data / "cat" / f"bad{number}.jpg").write_bytes(b"\xff\xd8\xff")
    refused(data, "4 of 14", "cat/bad0.jpg", "cat/bad2.jpg, …", "set_aside.csv", "prepare.max_unreadable")
    assert len((data.parent / "out" / "set_aside.csv").read_text().splitlines()) == 5
    assert not (data.parent / "out" / "subsets").exists()


def test_an_absent_an_empty_and_a_flat_folder_are_refused_with_a_remedy(tmp_path):
    refused(tmp_path / "data", "data is not there", "headstart demo", "headstart data import")
    (tmp_path / "data").mkdir()
    refused(tmp_path / "data", "holds no images", "headstart demo", "headstart data import")
    photo(tmp_path / "data" / "x.png")
    refused(tmp_path / "data", "no class folders")
    with pytest.raises(HeadstartError, match="dvc repro"):
        manifest.read(tmp_path / "manifest.csv")


def test_one_class_is_refused_and_a_folder_around_the_classes_is_recognised(tmp_path):
    refused(folder(tmp_path / "a", cat=5), "one class 'cat'", "two or more")
    refused(folder(tmp_path / "b", photos__cat=5, photos__dog=5), "one class 'photos'", "the 2 folders in it")


def test_a_class_with_fewer_images_than_splits_is_named_with_its_count(tmp_path):
    refused(folder(tmp_path / "a", cat=5, dog=2), "'dog' has 2 images", "train, validation, test")
    refused(folder(tmp_path / "b", cat=5, dog=1), "'dog' has 1 image ")
    (folder(tmp_path / "c", cat=5, owl=5) / "dog").mkdir()
    refused(tmp_path / "c" / "data", "'dog'", "0 usable images")
    own = folder(
        tmp_path / "d", train__cat=3, train__dog=3, validation__cat=1, validation__dog=1, test__cat=1
    )
    refused(own, "'dog' has 4 images and none for the test split")


def test_class_folders_that_cannot_be_told_apart_are_refused(tmp_path):
    refused(folder(tmp_path / "a", cat=3, Cat=3), "'Cat' and 'cat'", "upper and lower case")
    data = folder(tmp_path / "b", cat=3)
    photo(data / "dog " / "0.png")
    refused(data, "'dog '", "rename")


@pytest.mark.parametrize("path", ["../cat/1.png", "/etc/passwd", "cat/../../x.png"])
def test_metadata_cannot_name_a_file_outside(tmp_path, path):
    data = folder(tmp_path, cat=20, dog=20)
    (data / "metadata.csv").write_text(f"path,scene\n{path},x\n")
    refused(data, "not in a class folder")
