"""Images join data/: what is new, where it goes, and that nothing is half done."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config import file as config
from headstart.pipeline.data import adding, memory, swapping
from headstart.pipeline.data.layout import scan
from headstart.pipeline.data.prepare import prepare
from headstart.pipeline.project import IMPORT, lock
from tests.pipeline.data.conftest import contents, failing_writes, photo

ROOT = Path(__file__).parents[3]


@pytest.fixture
def data(project):
    """data/ with five cats and five dogs."""
    for label, seed in (("cat", 1), ("dog", 2)):
        for number in range(5):
            photo(project / "data" / label / f"{number}.png", seed)
    return project / "data"


@pytest.fixture
def more(tmp_path):
    return tmp_path / "more"


def add(source, project):
    out = io.StringIO()
    count = adding.add_folder(source, project, Console(file=out, width=200))
    return count, out.getvalue()


def refused(source, project, *words):
    before = contents(project)
    with pytest.raises(HeadstartError) as caught:
        add(source, project)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value) and "importing-" not in str(caught.value)
    assert contents(project) == before and not list(project.glob("data.*-*"))


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


def test_a_damaged_metadata_file_of_data_is_told_before_anything_is_done(project, data, more, dvc):
    (data / "metadata.csv").touch()
    photo(more / "cat" / "new.png", 7)
    (more / "metadata.csv").write_text("path,scene\ncat/new.png,indoors\n")
    refused(more, project, "data/metadata.csv begins with the column nothing")
    assert dvc == []


def test_a_second_one_beside_a_running_import_is_refused_and_leaves_its_folders(project, data, more, dvc):
    photo(more / "cat" / "new.png", 7)
    (project / f"data.importing-{os.getpid()}").mkdir()
    with lock(IMPORT, project), pytest.raises(HeadstartError, match="Another run is under way"):
        add(more, project)
    assert (project / f"data.importing-{os.getpid()}").is_dir()


@pytest.mark.slow
def test_of_two_at_once_each_that_reports_success_has_its_images_in_data(project, data, more, tmp_path):
    shutil.rmtree(project / ".dvc")
    swapping.run_dvc(project, "init", "--no-scm")
    photo(more / "cat" / "one.png", 7)
    photo(tmp_path / "others" / "dog" / "two.png", 8)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from headstart.pipeline.data import adding\n"
        "print(adding.add_folder(Path(sys.argv[1]), Path(sys.argv[2])))\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, folder, project], cwd=ROOT, stderr=subprocess.PIPE)
        for folder in (more, tmp_path / "others")
    ]
    told = [process.communicate()[1].decode() for process in running]
    joined = [(data / name).exists() for name in ("cat/one.png", "dog/two.png")]
    assert joined == [process.returncode == 0 for process in running] and any(joined)
    for process, text in zip(running, told):
        assert process.returncode == 0 or "Another run is under way in this folder" in text


def test_what_cannot_join_is_refused_and_nothing_changes(project, data, more, dvc):
    photo(more / "Cat" / "new.png", 7)
    refused(more, project, "cannot join data/", "'Cat' and 'cat'")
    shutil.rmtree(more)
    photo(more / "cat" / "new.png", 7)
    (more / "metadata.csv").write_text("path,scene\n../../cat/1.png,x\n")
    refused(more, project, "'../../cat/1.png', which is not in a class folder")
    (more / "metadata.csv").unlink()
    photo(more / "loose.png")
    shutil.rmtree(more / "cat")
    refused(more, project, "no class folders")
    refused(data / "cat", project, "lies in")
    refused(more / "nowhere", project, "is not there")
    shutil.rmtree(data)
    photo(more / "cat" / "new.png", 7)
    refused(more, project, "data is not there")
    assert dvc == []


@pytest.mark.parametrize("error", [HeadstartError("`dvc add data` failed"), KeyboardInterrupt()])
def test_where_dvc_fails_the_old_images_are_put_back(project, data, more, dvc, monkeypatch, error):
    before = contents(data)
    photo(more / "cat" / "new.png", 7)
    run = swapping.run_dvc

    def second_fails(folder, *arguments):
        run(folder, *arguments)
        if len(dvc) == 2:
            raise error

    monkeypatch.setattr(swapping, "run_dvc", second_fails)
    with pytest.raises(type(error)):
        add(more, project)
    assert contents(data) == before and not list(project.glob("data.*-*"))
    assert "new.png" not in (project / "data.dvc").read_text()


def test_a_damaged_disk_while_adding_leaves_the_old_images(project, data, more, dvc, monkeypatch):
    before = contents(data)
    photo(more / "cat" / "new.png", 7)
    with failing_writes(monkeypatch, "new.png", 28), pytest.raises(HeadstartError, match="disk is full"):
        add(more, project)
    assert contents(data) == before and dvc == []


def test_dvc_brings_the_images_from_before_back(project, data, more):
    shutil.rmtree(project / ".dvc")
    swapping.run_dvc(project, "init", "--no-scm")
    before = contents(data)
    photo(more / "cat" / "new.png", 7)
    add(more, project)
    assert len(scan(data).files) == 11
    shutil.copy(project / swapping.KEPT, project / "data.dvc")
    swapping.run_dvc(project, "checkout", "--force", "data.dvc")
    assert contents(data) == before


@pytest.mark.slow
@pytest.mark.parametrize("point", ["copying", "old renamed", "new renamed", "tracked"])
def test_after_a_kill_the_next_call_finishes_and_no_image_is_lost(project, data, more, point):
    shutil.rmtree(project / ".dvc")
    swapping.run_dvc(project, "init", "--no-scm")
    before = contents(data)
    photo(more / "cat" / "new.png", 7)
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from headstart.pipeline.data import adding, swapping\n"
        "die = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
        "rename, opened, dvc, calls = Path.rename, Path.open, swapping.run_dvc, []\n"
        "def renamed(path, target):\n"
        "    rename(path, target); calls.append(path)\n"
        "    if len(calls) == {'old renamed': 1, 'new renamed': 2}.get(sys.argv[1]): die()\n"
        "def half_written(path, mode='r', *a, **k):\n"
        "    file = opened(path, mode, *a, **k)\n"
        "    if mode == 'xb' and sys.argv[1] == 'copying': die()\n"
        "    return file\n"
        "def tracked(*a):\n"
        "    dvc(*a)\n"
        "    if sys.argv[1] == 'tracked' and len(calls) == 2: die()\n"
        "Path.rename, Path.open, swapping.run_dvc = renamed, half_written, tracked\n"
        "adding.add_folder(Path(sys.argv[2]), Path(sys.argv[3]))\n"
    )
    died = subprocess.run([sys.executable, "-c", code, point, more, project], capture_output=True, cwd=ROOT)
    assert died.returncode == -9, died.stderr.decode()
    count, _ = add(more, project)
    assert count == (1 if point in ("copying", "old renamed") else 0)
    assert contents(data) == before | {"cat/new.png": (more / "cat/new.png").read_bytes()}
    assert not list(project.glob("data.*-*"))
