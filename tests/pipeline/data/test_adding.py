"""Images join data/: what is new, where it goes, and that nothing is half done."""

import io
import os
import shutil

import pytest
from rich.console import Console

from headstart.pipeline.config import file as config
from headstart.pipeline.data import adding, memory, swapping
from headstart.pipeline.data.prepare import prepare
from tests.pipeline.data.conftest import contents, photo
from tests.pipeline.data.joining import add


def test_new_images_join_and_known_ones_are_skipped(project, data, more, dvc):
    before = contents(data)
    photo(more / "cat" / "new.png", 7)
    photo(more / "bird" / "1.png", 8)
    shutil.copy(data / "dog" / "1.png", photo(more / "dog" / "renamed.png"))
    shutil.copy(more / "cat" / "new.png", more / "cat" / "twice.png")
    shutil.copy(data / "dog" / "2.png", more / "cat" / "a-dog.png")
    count, text = add(more, project)
    joined = {name: (more / name).read_bytes() for name in ("cat/new.png", "bird/1.png")}
    assert (count, contents(data)) == (2, before | joined)
    assert dvc == [("add", "data"), ("add", "data")] and not list(project.glob("data.*-*"))
    assert "already in data/" in text and "already in data/ as 'dog'" in text
    assert "the same file as cat/new.png" in text
    assert "did not have the class 'bird' before" in text
    assert f"cp {swapping.KEPT} data.dvc" in text


def test_what_was_there_takes_no_room_twice(project, data, more, dvc):
    file = data / "cat" / "1.png"
    (data / "cat" / "link.png").symlink_to("1.png")
    before = file.stat().st_ino
    photo(more / "cat" / "new.png", 7)
    add(more, project)
    assert file.stat().st_ino == before and os.readlink(data / "cat" / "link.png") == "1.png"


def test_without_hard_links_the_images_are_copied(project, data, more, dvc, monkeypatch):
    def no_links(*_):
        raise OSError("no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    before = contents(data)
    photo(more / "cat" / "new.png", 7)
    assert add(more, project)[0] == 1
    assert before.items() < contents(data).items()


@pytest.mark.parametrize(
    "made, why",
    [
        ([], "no images"),
        (["cat"], "no images"),
        (["cat", "same"], "1 already in data/"),
        (["cat", "broken"], "1 not an image"),
    ],
)
def test_where_nothing_is_new_nothing_changes(project, data, more, dvc, made, why):
    more.mkdir()
    for name in made[:1]:
        (more / name).mkdir()
    if "same" in made:
        shutil.copy(data / "cat" / "1.png", more / "cat")
    if "broken" in made:
        (more / "cat" / "x.png").write_bytes(b"no image")
    before = contents(project)
    inode = data.stat().st_ino
    count, text = add(more, project)
    assert (count, dvc) == (0, []) and f"Nothing new in {more} ({why})" in text
    assert contents(project) == before and data.stat().st_ino == inode
    assert not list(project.glob("data.*-*"))


def test_a_name_that_other_content_has_gets_a_number(project, data, more, dvc):
    photo(more / "cat" / "1.PNG", 7)
    photo(more / "cat" / "1-2.png", 8)
    count, text = add(more, project)
    assert count == 2 and "1 got a number in their name" in text
    assert (data / "cat" / "1-2.png").read_bytes() == (more / "cat" / "1-2.png").read_bytes()
    assert (data / "cat" / "1-3.PNG").read_bytes() == (more / "cat" / "1.PNG").read_bytes()


def test_metadata_is_merged_with_the_columns_of_both(project, data, more, dvc):
    (data / "metadata.csv").write_text("path,scene\ncat/1.png,indoors\n")
    photo(more / "cat" / "1.png", 7)
    photo(more / "dog" / "new.png", 8)
    shutil.copy(data / "dog" / "3.png", more / "dog" / "known.png")
    (more / "metadata.csv").write_text(
        "path,group,scene\ncat/1.png,anna,outdoors\ndog/known.png,ben,\ndog/new.png,ben,\n"
    )
    old = (data / "metadata.csv").stat().st_ino
    add(more, project)
    assert (data / "metadata.csv").read_text() == (
        "path,scene,group\ncat/1.png,indoors,\ncat/1-2.png,outdoors,anna\ndog/new.png,,ben\n"
    )
    assert (data / "metadata.csv").stat().st_ino != old


def test_split_folders_become_a_column_where_data_has_none(project, data, more, dvc):
    settings = config.load(project / "params.yaml")
    prepare(settings, data, project)
    photo(more / "test" / "cat" / "new.png", 7)
    photo(more / "val" / "dog" / "new.png", 8)
    add(more, project)
    assert (data / "metadata.csv").read_text() == "path,split\ncat/new.png,test\ndog/new.png,validation\n"
    prepared = prepare(settings, data, project)
    assert prepared.images["cat"] == {"train": 3, "validation": 1, "test": 2}
    assert prepared.images["dog"] == {"train": 3, "validation": 2, "test": 1}


def test_where_data_has_split_folders_new_images_go_into_them(project, more, dvc):
    data = project / "data"
    for split in ("train", "valid", "test"):
        for label in ("cat", "dog"):
            photo(data / split / label / f"{split}.png", 1)
    photo(more / "validation" / "cat" / "new.png", 7)
    add(more, project)
    assert (data / "valid" / "cat" / "new.png").exists()
    shutil.rmtree(more)
    photo(more / "dog" / "late.png", 8)
    _, text = add(more, project)
    assert (data / "train" / "dog" / "late.png").exists()
    assert "1 joined the training split" in text


def test_links_that_lead_outside_are_copied_as_what_they_name(project, data, more, tmp_path, dvc):
    outside = photo(tmp_path / "elsewhere" / "far.png", 9)
    (more / "cat").mkdir(parents=True)
    (more / "cat" / "far.png").symlink_to(outside)
    (more / "cat" / "folder").symlink_to(outside.parent)
    assert add(more, project)[0] == 1
    assert not (data / "cat" / "far.png").is_symlink()
    assert (data / "cat" / "far.png").read_bytes() == outside.read_bytes()


def test_a_file_under_two_labels_joins_under_neither(project, data, more, dvc):
    photo(more / "cat" / "both.png", 7)
    (more / "dog").mkdir()
    shutil.copy(more / "cat" / "both.png", more / "dog" / "also.png")
    count, text = add(more, project)
    assert count == 0 and "1 the same file as dog/also.png, under another label" in text
    assert "1 the same file as cat/both.png, under another label" in text


@pytest.mark.parametrize("where", ["outside", "inside"])
def test_a_linked_class_folder_of_data_becomes_a_folder_and_what_it_leads_to_stays(
    project, data, more, tmp_path, dvc, where
):
    photos = (tmp_path if where == "outside" else data) / "photos"
    mine = photo(photos / "1.png", 9)
    (photos / "link.png").symlink_to("1.png")
    if where == "inside":
        (photos / "up").symlink_to("..")
    shutil.rmtree(data / "cat")
    (data / "cat").symlink_to(photos)
    before = mine.read_bytes()
    photo(more / "cat" / "1.png", 7)
    assert add(more, project)[0] == 1
    assert mine.read_bytes() == before
    assert {path.name for path in photos.iterdir()} - {"up"} == {"1.png", "link.png"}
    assert (data / "cat").is_dir() and not (data / "cat").is_symlink()
    assert (data / "cat" / "1.png").read_bytes() == before
    assert (data / "cat" / "1-2.png").read_bytes() == (more / "cat" / "1.png").read_bytes()
    assert not os.path.samefile(data / "cat" / "1.png", mine), "a change of its rights would be one of both"


def test_an_image_that_was_removed_comes_back_only_where_asked(project, data, more, dvc):
    for seed in range(3):
        photo(more / "cat" / f"more{seed}.png", 7)
    add(more, project)
    settings = config.load(project / "params.yaml")
    prepare(settings, data, project)
    (data / "cat" / "more1.png").unlink()
    count, text = add(more, project)
    assert count == 0 and "1 removed from data/ earlier; --again takes it" in text and "2 already in" in text
    other = memory.read(project / "splits.csv").encoded().replace(b"dataset digits", b"dataset letters")
    (project / "splits.csv").write_bytes(other)
    assert adding.add_folder(more, project, Console(file=io.StringIO())) == 1, "they were of another data set"
    (data / "cat" / "more1.png").unlink()
    prepare(settings, data, project)
    assert adding.add_folder(more, project, Console(file=io.StringIO()), again=True) == 1
