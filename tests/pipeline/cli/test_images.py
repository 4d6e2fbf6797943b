"""The commands about images."""

import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli import images
from headstart.pipeline.cli.app import app
from tests.pipeline.data.conftest import photo

ROOT = Path(__file__).parents[3]


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_accepting_removes_what_later_runs_compare_with_and_keeps_the_splits(project):
    for name in ("accepted.json", "schema.pbtxt", "splits.csv"):
        (project / name).write_text(name)
    done = CliRunner().invoke(app, ["data", "accept"])
    assert done.exit_code == 0
    assert {path.name for path in project.glob("*.*") if path.is_file()} == {"params.yaml", "splits.csv"}


def test_accepting_twice_or_before_the_first_run_changes_nothing(project):
    assert CliRunner().invoke(app, ["data", "accept"]).exit_code == 0
    assert [path.name for path in project.iterdir() if path.is_file()] == ["params.yaml"]


def test_a_name_goes_with_a_whole_import_alone(project):
    with pytest.raises(HeadstartError, match="keeps its name"):
        images.data_import(project, name="pets", add=True)


def test_again_goes_with_add_alone(project):
    with pytest.raises(HeadstartError, match="--again goes with --add"):
        images.data_import(project, again=True)


@pytest.mark.parametrize("where", ["outside git", "untracked", "tracked"])
def test_what_later_runs_read_is_named_where_git_does_not_track_it(project, where):
    for label, seed in (("cat", 1), ("dog", 2)):
        for number in range(5):
            photo(project / "data" / label / f"{number}.png", seed)
    if where != "outside git":
        subprocess.run(["git", "init", "-q"], check=True)
    (project / "accepted.json").touch()
    if where == "tracked":
        (project / "splits.csv").write_text("# drawn with: another\nkey,split,accepted\n")
        subprocess.run(["git", "add", "splits.csv", "accepted.json"], check=True)
    (project / "accepted.json").unlink()
    done = CliRunner().invoke(app, ["prepare"])
    assert done.exit_code == 0, done.output
    named = "Not in git: splits.csv accepted.json. The run goes on." in done.output
    assert named is (where == "untracked")
