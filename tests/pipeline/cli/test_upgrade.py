"""A project of an earlier version gets this version's stages; what is the user's own stays."""

import shutil
from pathlib import Path

import pytest
import yaml

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli.new_project import TEMPLATE, create
from headstart.pipeline.cli.upgrade import update
from headstart.pipeline.config import file as config
from headstart.pipeline.data import manifest
from headstart.pipeline.data.prepare import prepare
from tests.pipeline.data.conftest import photo

ROOT = Path(__file__).parents[3]
EARLIER = """# mine
stages:
  study: # train
    cmd: headstart study
    desc: mine
    deps:
      - manifest.csv
      - weights.h5
    params:
      - base
      - mine.yaml:
    outs:
      - receipts/study.json:
          cache: false
      - mine.txt
  promote:
    cmd: headstart promote
    deps:
      - receipts/study.json
    outs:
      - receipts/promote.json:
          cache: false
  publish: # mine
    cmd: echo published
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "dvc.yaml").write_text(EARLIER)
    (tmp_path / ".gitignore").write_text("/data\n/notes")
    shutil.copy(TEMPLATE / "params.yaml", tmp_path)
    return tmp_path


def test_the_stages_are_those_of_a_new_project(project):
    assert update(project) == ["dvc.yaml", ".gitignore"]
    stages = yaml.safe_load((project / "dvc.yaml").read_text())["stages"]
    ours = yaml.safe_load((TEMPLATE / "dvc.yaml").read_text())["stages"]
    assert stages["prepare"] == ours["prepare"]
    assert stages["promote"] == ours["promote"]
    study, ours_study = stages["study"], ours["study"]
    assert study.pop("deps") == [*ours_study.pop("deps"), "weights.h5"]
    assert study.pop("params") == [*ours_study.pop("params"), {"mine.yaml": None}]
    assert study.pop("outs") == [*ours_study.pop("outs"), "mine.txt"]
    assert study.pop("desc") == "mine"
    assert study == ours_study
    ignored = (project / ".gitignore").read_text().splitlines()
    assert {"/candidate", "/data.before-import-*", "/data.importing-*"} <= set(ignored)


def test_what_is_the_users_own_stays(project):
    update(project)
    text = (project / "dvc.yaml").read_text()
    assert text.startswith("# mine\n")
    assert "  publish: # mine\n    cmd: echo published\n" in text
    assert (project / ".gitignore").read_text().startswith("/data\n/notes\n/")


def test_a_project_of_this_version_is_left_as_it_is(project, tmp_path):
    update(project)
    assert update(project) == []
    create(tmp_path / "new")
    assert update(tmp_path / "new") == []


def test_what_later_runs_read_is_kept_by_dvc_and_not_cached(project):
    update(project)
    stages = yaml.safe_load((project / "dvc.yaml").read_text())["stages"]
    outs = [out for name in ("prepare", "study") for out in stages[name]["outs"] if isinstance(out, dict)]
    kept = {"cache": False, "persist": True}
    assert outs == [{"accepted.json": kept}, {"splits.csv": kept}, {"schema.pbtxt": kept}]
    ignored = (project / ".gitignore").read_text().splitlines()
    assert not {"/accepted.json", "/splits.csv", "/schema.pbtxt"} & set(ignored)
    assert "/data_notes.json" in ignored


def test_headstarts_own_project_needs_nothing(tmp_path):
    for name in ("dvc.yaml", ".gitignore", "params.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    assert update(tmp_path) == []


def test_keys_and_sections_that_params_yaml_lacks_come_from_the_template_with_their_comments(project):
    file = project / "params.yaml"
    whole = file.read_text()
    lines = whole.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if line.startswith("promotion:"))
    end = next(number for number, line in enumerate(lines[start:], start) if not line.strip())
    gate = next(number for number, line in enumerate(lines) if line.startswith("  min_class_recall:"))
    kept = [line for number, line in enumerate(lines) if number != gate and not start <= number <= end]
    mine = "".join(kept).replace("min_accuracy: 0.8", "min_accuracy: 0.7")
    file.write_text(mine)
    assert "params.yaml" in update(project)
    updated = file.read_text()
    assert yaml.safe_load(updated) == yaml.safe_load(whole.replace("min_accuracy: 0.8", "min_accuracy: 0.7"))
    assert lines[gate] in updated and lines[start + 1] in updated
    assert set(mine.splitlines()) <= set(updated.splitlines())
    assert "params.yaml" not in update(project)


@pytest.mark.parametrize("divided", [False, True], ids=["all drawn", "validation drawn"])
def test_the_splits_of_an_earlier_version_stay_when_images_join_after_the_upgrade(project, divided):
    def photos(numbers, split="train"):
        for label in ("cat", "dog"):
            for number in numbers:
                photo(
                    project / "data" / (split if divided else "") / label / f"{split}{number}.png",
                    ord(label[0]),
                )

    photos(range(20))
    photos(range(4), "test")
    prepare(config.load(project / "params.yaml"), project / "data", project)
    before = {row["path"]: row["split"] for row in manifest.read(project / "manifest.csv")}
    assert set(before.values()) == {"train", "validation", "test"}
    for name in ("splits.csv", "accepted.json", "data_notes.json"):
        (project / name).unlink()

    assert "splits.csv" in update(project)
    assert "splits.csv" not in update(project)
    (project / "manifest.csv").unlink()
    photos(range(20, 40))
    if divided:
        photos(range(1), "validation")
    prepare(config.load(project / "params.yaml"), project / "data", project)
    after = {row["path"]: row["split"] for row in manifest.read(project / "manifest.csv")}
    assert before.items() < after.items()


def test_a_folder_that_is_no_project_is_left_alone(tmp_path):
    with pytest.raises(HeadstartError, match="params.yaml is not here: run this in a project's folder"):
        update(tmp_path)
    assert not list(tmp_path.iterdir())
