import errno
import io
import os
import re
import shutil

import pytest
import yaml
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config import file as config
from headstart.pipeline.data import copying, importing, swapping
from headstart.pipeline.data.prepare import prepare
from headstart.pipeline.project import IMPORT, lock
from tests.pipeline.data.conftest import (
    DEMO_NAME,
    PARAMS,
    cats_and_dogs,
    contents,
    failing_writes,
    photo,
    refused_with,
)


@pytest.fixture
def source(tmp_path):
    """Two classes of five images."""
    return cats_and_dogs(tmp_path / "My Phötos!")


def told(source, project, **options):
    out = io.StringIO()
    importing.import_folder(source, project, console=Console(file=out, width=120), **options)
    return out.getvalue()


def old_data(project):
    photo(project / "data" / "old" / "1.png")
    return contents(project / "data")


def refused(source, project, *words):
    refused_with(lambda: told(source, project), project, *words)


def test_a_folder_of_classes_becomes_data_and_the_table_counts_it(source, project, dvc):
    text = told(source, project)
    assert contents(project / "data") == contents(source)
    assert dvc == [("add", "data")] and not list(project.glob("data.*-*"))
    assert re.search(r"cat\s+│\s+5", text) and re.search(r"2 classes\s+│\s+10", text)
    assert re.search(r"pixels\s+│ 5 × 6", text) and "skipped" not in text
    prepare(config.load(project / "params.yaml"), project / "data", project)


def test_splits_above_the_classes_are_kept_and_counted_apart(tmp_path, project, dvc):
    for split, count in (("train", 3), ("val", 2), ("test", 1)):
        for label, seed in (("cat", 1), ("dog", 2)):
            for number in range(count):
                photo(tmp_path / "s" / split / label / f"{split}{number}.png", seed)
    text = told(tmp_path / "s", project)
    assert re.search(r"class\s+┃ train ┃ validation ┃ test", text)
    assert re.search(r"dog\s+│\s+3 │\s+2 │\s+1 │", text)
    assert (project / "data" / "val" / "dog" / "val1.png").exists()


def test_what_is_left_out_is_told_with_the_reason(source, project, dvc):
    (source / "cat" / "notes.txt").write_text("a note")
    (source / "cat" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    (source / "cat" / ".DS_Store").touch()
    (source / "dog" / "loop").symlink_to(source)
    photo(source / "loose.png")
    text = told(source, project)
    assert "not an image" in text and "cat/notes.txt" in text and "cat/broken.jpg" in text
    assert re.search(r"a link to a folder that it lies in\s+│ 1\s+│ dog/loop", text)
    assert "not in a class folder" in text and re.search(r"hidden files\s+│ 1", text)
    assert len(contents(project / "data")) == 10


def test_metadata_comes_along_without_the_images_that_do_not(source, project, dvc):
    (source / "cat" / "broken.jpg").write_bytes(b"no image")
    (source / "metadata.csv").write_text("path,scene\ncat/0.png,indoors\ncat\\broken.jpg,outdoors\n")
    told(source, project)
    assert (project / "data" / "metadata.csv").read_text() == "path,scene\ncat/0.png,indoors\n"
    prepare(config.load(project / "params.yaml"), project / "data", project)


def test_the_old_data_goes_into_the_cache_first_and_the_way_back_is_told(source, project, dvc):
    old_data(project)
    text = told(source, project)
    assert dvc == [("add", "data"), ("add", "data")]
    assert (project / swapping.KEPT).read_text() == "data/old/1.png"
    assert f"cp {swapping.KEPT} data.dvc && dvc checkout --force data.dvc" in text
    assert not (project / "data" / "old").exists()


# Refusals: nothing changes.


def test_sources_that_make_no_classifier_are_refused_before_anything_is_copied(tmp_path, project, dvc):
    old_data(project)
    refused(tmp_path / "nowhere", project, "nowhere is not there")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", project, "holds no images")
    photo(tmp_path / "one" / "cat" / "1.png")
    refused(tmp_path / "one", project, "one class 'cat'")
    refused(photo(tmp_path / "archive.tgz"), project, "is a file", "unpack")
    (tmp_path / "one" / "dog").mkdir()
    (tmp_path / "one" / "dog" / "1.jpg").write_bytes(b"no image")
    refused(tmp_path / "one", project, "'dog'", "no usable image")
    assert dvc == []


def test_a_source_that_overlaps_data_is_refused(project, dvc):
    for label in ("cat", "dog"):
        photo(project / "data" / "all" / label / "1.png")
    refused(project / "data", project, "which an import replaces")
    refused(project / "data" / "all", project, "which an import replaces")
    refused(project, project, "holds", "which an import replaces")


def test_a_disk_that_is_too_small_is_refused_with_both_figures(source, project, dvc, monkeypatch):
    for number in range(5):
        (source / "cat" / f"{number}.png").write_bytes(bytes(10_000_000))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, 50_000_000))
    refused(source, project, "needs 0.10 GB", "0.05 GB free")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fills_up_while_copying_leaves_the_old_data(source, project, dvc, monkeypatch, number):
    old_data(project)
    with failing_writes(monkeypatch, "3.png", number):
        refused(source, project, "disk", "nothing was changed")


def test_ctrl_c_while_copying_leaves_the_old_data(source, project, dvc, monkeypatch):
    before = old_data(project)
    inspect_all = copying.inspect_all

    def interrupted(*arguments):
        outcomes = inspect_all(*arguments)
        yield next(outcomes)
        outcomes.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(copying, "inspect_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        told(source, project)
    assert contents(project / "data") == before and not list(project.glob("data.*-*"))
    assert yaml.safe_load((project / "params.yaml").read_text())["dataset"] == DEMO_NAME


@pytest.mark.parametrize("error", [HeadstartError("`dvc add data` failed"), KeyboardInterrupt()])
def test_where_dvc_fails_after_the_swap_everything_is_put_back(source, project, second_call_fails, error):
    before = old_data(project)
    second_call_fails(error)
    with pytest.raises(type(error)):
        told(source, project)
    assert contents(project / "data") == before and not list(project.glob("data.*-*"))
    assert (project / "data.dvc").read_text() == "data/old/1.png"


def test_what_a_killed_import_left_is_cleaned_up_and_old_data_returns(source, project, dvc):
    before = old_data(project)
    (project / "data").rename(project / "data.before-import-7")
    photo(project / "data.importing-7" / "cat" / "1.png")
    told(source, project)
    assert dvc == [("add", "data"), ("add", "data")], "the old data was there to be kept"
    assert (project / swapping.KEPT).read_text() == f"data/{next(iter(before))}"
    assert not list(project.glob("data.*-*"))


def test_a_second_import_beside_a_running_one_is_refused_and_leaves_its_folders(source, project, dvc):
    (project / f"data.importing-{os.getppid()}").mkdir()
    with lock(IMPORT, project), pytest.raises(HeadstartError, match="Another run is under way"):
        told(source, project)
    assert [path.name for path in project.glob("data*")] == [f"data.importing-{os.getppid()}"]


def test_a_folder_that_is_no_project_is_refused(source, tmp_path, dvc):
    with pytest.raises(HeadstartError, match="params.yaml is not here"):
        told(source, tmp_path)
    shutil.copy(PARAMS, tmp_path)
    with pytest.raises(HeadstartError, match="no DVC project"):
        told(source, tmp_path)


# params.yaml.


def test_params_take_the_name_and_a_base_for_photos_and_keep_every_comment(source, project, dvc):
    before = (project / "params.yaml").read_text().splitlines()
    text = told(source, project)
    after = (project / "params.yaml").read_text().splitlines()
    changed = [new.split(" #")[0].strip() for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [
        "dataset: My Photos",
        "architecture: MobileNetV2",
        "weights: imagenet",
        "image_size: 224",
        "flip: true",
        "learning_rate: 0.00001",
        "epochs: 30",
        "steps: 1000",
        "learning_rates: [0.02, 0.05, 0.1]",
        "search_steps: 300",
        "strategies: [frozen, fine_tune, textbook, random_blocks, scratch]",
    ]
    assert [line.partition("#")[2] for line in before] == [line.partition("#")[2] for line in after]
    loaded = config.load(project / "params.yaml")
    assert loaded.textbook.learning_rate == 1e-5 and loaded.base.options == {}
    assert f"dataset: {DEMO_NAME} → My Photos" in text
    assert "textbook.learning_rate: 0.0001 → 0.00001" in text and "git checkout params.yaml" in text


def test_a_base_that_the_user_chose_stays(source, project, dvc):
    file = project / "params.yaml"
    file.write_text(file.read_text().replace("weights: letters", "weights: champion"))
    told(source, project, name="Cats & dogs")
    loaded = config.load(file)
    assert loaded.dataset == "Cats - dogs" and loaded.base.weights == "champion" and not loaded.augment.flip


def test_a_name_without_letters_or_digits_is_refused_or_replaced(tmp_path):
    assert importing._dataset_name(tmp_path / "写真", None) == "photos"
    assert importing._dataset_name(tmp_path / "_my.set ", None) == "my.set"
    with pytest.raises(HeadstartError, match="'写真'"):
        importing._dataset_name(tmp_path, "写真")


# With DVC itself.


def test_dvc_tracks_the_import_and_brings_the_old_images_back(source, project):
    pytest.importorskip("dvc")
    shutil.rmtree(project / ".dvc")
    swapping.run_dvc(project, "init", "--no-scm")
    before = old_data(project)
    told(source, project)
    assert contents(project / "data") == contents(source)
    shutil.copy(project / swapping.KEPT, project / "data.dvc")
    swapping.run_dvc(project, "checkout", "--force", "data.dvc")
    assert contents(project / "data") == before


def test_what_dvc_says_reaches_the_user_in_one_sentence(tmp_path):
    pytest.importorskip("dvc")
    with pytest.raises(HeadstartError, match=r"`dvc add data` failed in .*DVC repository"):
        swapping.run_dvc(tmp_path, "add", "data")
