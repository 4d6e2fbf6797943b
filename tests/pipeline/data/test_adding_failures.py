"""Images that cannot join, two imports at once, failures and kills: nothing is half done or lost."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import swapping
from headstart.pipeline.data.layout import scan
from headstart.pipeline.project import IMPORT, lock
from tests.pipeline.data.conftest import contents, failing_writes, photo
from tests.pipeline.data.joining import add, refused

ROOT = Path(__file__).parents[3]


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
def test_where_dvc_fails_the_old_images_are_put_back(project, data, more, second_call_fails, error):
    before = contents(data)
    photo(more / "cat" / "new.png", 7)
    second_call_fails(error)
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
