"""What `headstart doctor` finds in a project folder, and what it advises."""

import io
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from rich.console import Console

from headstart.pipeline.cli import doctor
from headstart.pipeline.project import IMPORT, lock
from headstart.pipeline.tracking import client
from tests.pipeline.saved_model import saved

TEMPLATE = Path(__file__).parents[3] / "pipeline/cli/template/params.yaml"
CHECKS = ["Python", "stack", "disk", "parameters", "data", "tracking", "champion"]
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """A project folder in which a run has tracked; MLflow takes seconds to make its tables."""
    folder = tmp_path_factory.mktemp("healthy") / "project"
    for name in ("finch", "wren"):
        (folder / "data" / name).mkdir(parents=True)
    shutil.copy(TEMPLATE, folder / "params.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        client.reach("my-images")
    return folder


@pytest.fixture
def project(healthy, tmp_path, monkeypatch):
    """A copy of it to change."""
    folder = shutil.copytree(healthy, tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100e9, 58e9, 42e9))
    return folder


def examined():
    """Whether all is well, and what is printed of each check, without its name."""
    console = Console(file=io.StringIO(), width=1000)
    well = doctor.examine(console)
    lines = console.file.getvalue().splitlines()
    told = {line[2:].partition(": ")[0]: line[0] + line.partition(":")[2] for line in lines}
    assert list(told) == CHECKS and len(lines) == len(CHECKS)
    return well, told


def failed(told):
    return [name for name, line in told.items() if not line.startswith("✓")]


def test_where_all_is_well_every_check_says_what_it_found(project):
    well, told = examined()
    assert well and failed(told) == []
    assert "tensorflow" in told["stack"] and "mlflow" in told["stack"]
    assert told["disk"] == "✓ 42 GB free"
    assert told["parameters"] == "✓ params.yaml is valid; MobileNetV2, imagenet weights, 224 px"
    assert told["data"] == "✓ data/ has 2 folders: finch, wren"
    assert told["tracking"] == f"✓ sqlite:///{project}/mlruns/mlflow.db answers"
    assert told["champion"] == "✓ none yet; the first blessed model becomes it"


def test_the_champion_is_named(project):
    for version in ("9", "10"):
        saved(project / "serving/my-images" / version, version)
    well, told = examined()
    assert well and told["champion"] == "✓ served from serving/my-images/10"


@pytest.mark.parametrize("there", [True, False])
def test_without_images_the_import_is_named(project, there):
    shutil.rmtree("data")
    if there:
        Path("data").mkdir()
        Path("data/note.txt").write_text("no class")
    well, told = examined()
    assert not well and failed(told) == ["data"]
    assert told["data"] == "✗ data/ has no images: run `headstart data import FOLDER`."


def test_images_that_a_killed_import_moved_away_are_back(project):
    Path("data").rename("data.before-import-7")
    Path("data.importing-7").mkdir()
    assert examined()[1]["data"] == (
        "✓ data/ has 2 folders: finch, wren (an import was killed: the images from before it are back)"
    )
    assert not list(Path().glob("data.*"))


def test_the_folders_of_an_import_that_runs_are_left_alone(project):
    Path("data").rename("data.before-import-7")
    with lock(IMPORT):
        assert failed(examined()[1]) == ["data"]
    assert Path("data.before-import-7").is_dir()


def test_a_wrong_parameter_is_named_and_the_other_checks_go_on(project):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("image_size:", "image_sise:"))
    well, told = examined()
    assert not well and failed(told) == ["parameters", "tracking", "champion"]  # these two need the name
    assert "unknown key 'base.image_sise', the nearest valid one is 'base.image_size'" in told["parameters"]
    assert told["data"].startswith("✓ data/ has 2 folders")


def test_a_file_that_is_no_yaml_is_named_with_its_line(project):
    Path("params.yaml").write_text("dataset: my-images\nbase: [\n")
    well, told = examined()
    assert not well and told["parameters"].startswith("✗ params.yaml:3 is not valid YAML")


def test_a_folder_that_is_no_project_is_told_apart_and_left_as_it_is(project, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    well, told = examined()
    assert not well and failed(told) == ["parameters", "data", "tracking", "champion"]
    assert "params.yaml is not here: run headstart in a project folder" in told["parameters"]
    assert list(Path().iterdir()) == []


def test_a_tracking_server_that_does_not_answer_is_named_with_the_remedy(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    well, told = examined()
    assert not well and failed(told) == ["tracking"]
    assert "The MLflow tracking server at http://127.0.0.1:9 cannot be reached" in told["tracking"]
    assert "start it, or unset MLFLOW_TRACKING_URI" in told["tracking"]


def test_artifacts_that_cannot_be_written_are_named_with_the_remedy(project):
    shutil.rmtree("mlruns/artifacts", ignore_errors=True)
    Path("mlruns/artifacts").write_text("in the way")
    well, told = examined()
    assert not well and failed(told) == ["tracking"]
    assert "artifacts at mlflow-artifacts:/my-images cannot be written" in told["tracking"]
    assert "give this user the right to write" in told["tracking"]


def test_too_little_disk_is_told_with_what_is_needed(project, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100e9, 97e9, 3.21e9))
    well, told = examined()
    assert not well and failed(told) == ["disk"]
    assert told["disk"] == "✗ 3.2 GB are free here: make room for at least 5 GB."


def test_a_class_is_shown_by_the_name_of_its_folder(project):
    (project / "data" / "[old] wren").mkdir()
    assert examined()[1]["data"] == "✓ data/ has 3 folders: [old] wren, finch, wren"


def test_a_wrong_value_is_shown_as_it_is(project):
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("dataset: my-images", "dataset: '[/birds]'"))
    assert "'dataset' is '[/birds]', but" in examined()[1]["parameters"]
