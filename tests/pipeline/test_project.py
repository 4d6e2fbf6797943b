"""What the project folder says of itself."""

import shutil
import subprocess
from pathlib import Path

import pytest

from headstart.pipeline import project


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_version_of_the_data_is_dvcs_digest(folder):
    assert project.data_version() == ""
    (folder / "data.dvc").write_text("outs:\n- md5: 0a1b.dir\n  size: 12\n  hash: md5\n  path: data\n")
    assert project.data_version() == "0a1b.dir"


def test_the_commit_is_marked_where_the_project_has_changes(folder):
    assert project.git_commit() == ""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    (folder / "file").write_text("one")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    commit = project.git_commit()
    assert len(commit) == 40
    (folder / "file").write_text("two")
    assert project.git_commit() == f"{commit}-dirty"


def test_a_work_folder_keeps_its_name_and_another_one_has_another(folder, monkeypatch):
    name = project.work_id()
    assert project.work_id() == name
    shutil.copytree(".headstart", "copy/.headstart")
    Path("moved").mkdir()
    Path(".headstart").rename("moved/.headstart")
    for place, same in (("moved", True), ("copy", False)):
        monkeypatch.chdir(folder / place)
        assert (project.work_id() == name) is same
