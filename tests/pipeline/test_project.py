"""What the project folder says of itself."""

import subprocess

import pytest

from headstart.pipeline import project, receipts


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


def test_a_receipt_has_the_same_bytes_for_the_same_content_and_can_be_withdrawn(folder):
    receipts.write("study", {"b": 1, "a": "2"})
    first = (folder / "receipts/study.json").read_bytes()
    receipts.write("study", {"a": "2", "b": 1})
    assert (folder / "receipts/study.json").read_bytes() == first
    receipts.withdraw("study")
    receipts.withdraw("study")  # there need not be one
    assert not (folder / "receipts/study.json").exists()
