"""The files of a new project, beside those of the demo's project."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli import stages
from headstart.pipeline.cli.new_project import TEMPLATE, create
from headstart.pipeline.config import file as config
from headstart.pipeline.data.params_update import adopt

ROOT = Path(__file__).parents[3]


def test_its_stages_are_the_demos_without_pretraining():
    demo, new = (yaml.safe_load((folder / "dvc.yaml").read_text()) for folder in (ROOT, TEMPLATE))
    del demo["stages"]["pretrain"]
    for stage in ("tune", "study"):
        demo["stages"][stage]["deps"].remove("bases/letters.weights.h5")
    assert new == demo


def test_its_parameters_are_what_an_import_makes_of_the_demos(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    adopt(tmp_path / "params.yaml", "my-images", Console(file=io.StringIO()))
    assert (TEMPLATE / "params.yaml").read_text() == (tmp_path / "params.yaml").read_text()


def test_dvc_ignores_the_same():
    assert (TEMPLATE / "dvcignore").read_text() == (ROOT / ".dvcignore").read_text()


def test_a_project_is_a_git_and_a_dvc_repository_with_valid_parameters(tmp_path):
    create(tmp_path / "birds")
    made = tmp_path / "birds"
    assert {path.name for path in made.iterdir()} == {
        *(".git", ".dvc", ".gitignore", ".dvcignore", "README.md", "params.yaml", "dvc.yaml", "code.json")
    }
    assert config.load(made / "params.yaml").base.weights == "imagenet"
    assert stages.changed(made) == []


def test_git_does_not_take_the_images_of_an_import_that_was_killed(tmp_path):
    create(tmp_path / "birds")
    for name in ("data/1.jpg", "data.importing-7/1.jpg", "data.before-import-7/1.jpg", "data.dvc"):
        (tmp_path / "birds" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "birds" / name).touch()
    for ignores in (TEMPLATE / "gitignore", ROOT / ".gitignore"):
        shutil.copy(ignores, tmp_path / "birds/.gitignore")
        listing = ["git", "ls-files", "--others", "--exclude-standard", "data*"]
        done = subprocess.run(listing, cwd=tmp_path / "birds", capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["data.dvc"]


def test_inside_a_repository_it_becomes_a_sub_project(tmp_path):
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    create(tmp_path / "birds")
    assert (tmp_path / "birds/.dvc").is_dir() and not (tmp_path / "birds/.git").exists()


def test_a_folder_with_files_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(HeadstartError, match="not an empty folder"):
        create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]
