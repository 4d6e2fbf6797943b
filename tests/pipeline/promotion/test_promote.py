"""The stage `promote`: from what a study handed over to the registry and to serving."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config import file as config
from headstart.pipeline.project import FULL_STUDY, STUDY
from headstart.pipeline.promotion import promote as promotion
from headstart.pipeline.results.candidate import Candidate
from headstart.pipeline.serving import models
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.tracking import registry
from tests.pipeline.saved_model import saved

TEMPLATE = Path(__file__).parents[3] / "pipeline/cli/template/params.yaml"


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(TEMPLATE, "params.yaml")
    Path("manifest.csv").write_text("path,label,split\na/1.png,a,test\n")
    monkeypatch.setattr(models, "accuracy", lambda *_: 0.9)  # the champion's, which TensorFlow would ask
    return config.load()


def handed(content, accuracy=0.9, failures=(), folders=STUDY):
    """A candidate as a study leaves it; its model is files like a SavedModel's."""
    for place in (folders.candidate, folders.pushed):
        shutil.rmtree(place, ignore_errors=True)
    places = [folders.candidate / "model"] + ([] if failures else [folders.pushed / "17"])
    for model in places:
        saved(model, content)
    folders.pushed.mkdir(exist_ok=True)
    Candidate("frozen-100%", accuracy, list(failures), digest(places[0])).write(folders.candidate)
    return digest(places[0])


def promoted(loaded, **options):
    return promotion.promote(loaded, Console(file=io.StringIO()), **options)


def test_the_first_blessed_model_is_served_from_what_pusher_pushed(project):
    model = handed("one")
    shutil.rmtree(STUDY.candidate / "model")  # not read where the model is blessed
    assert promoted(project).promoted
    served = models.champion("my-images")
    assert served is not None and digest(served) == model
    assert registry.champion("my-images")[0] == "1"
    assert json.loads(Path("receipts/promote.json").read_text())["candidate"] == model
    assert json.loads(Path(".headstart/promotion.json").read_text())["alias"] == "champion"


def test_the_same_candidate_again_changes_nothing(project):
    handed("one")
    promoted(project)
    receipt = Path("receipts/promote.json").read_bytes()
    assert promoted(project).reason == "it is the champion already"
    assert Path("receipts/promote.json").read_bytes() == receipt
    assert [path.name for path in Path("serving/my-images").iterdir()] == ["1"]


@pytest.mark.parametrize(("accuracy", "failures"), [(0.9, ()), (0.99, ("too low",))])
def test_a_candidate_that_is_no_better_or_not_blessed_is_a_challenger(project, accuracy, failures):
    champion = handed("one")
    promoted(project)
    handed("two", accuracy, failures)
    assert not promoted(project).promoted
    assert digest(models.champion("my-images")) == champion
    assert registry.champion("my-images")[0] == "1"


def test_a_better_one_takes_the_place(project):
    handed("one")
    promoted(project)
    better = handed("two", accuracy=0.95)
    assert promoted(project).promoted
    assert digest(models.champion("my-images")) == better
    assert registry.champion("my-images")[0] == "2"


def test_the_full_study_leaves_no_receipt_of_the_stage(project):
    handed("one", folders=FULL_STUDY)
    assert promoted(project, folders=FULL_STUDY).promoted
    assert not Path("receipts").exists()


def test_without_a_candidate_or_its_pushed_model_it_says_what_to_do(project):
    with pytest.raises(HeadstartError, match="candidate.json is not here"):
        promoted(project)
    handed("one")
    shutil.rmtree(STUDY.pushed / "17")
    with pytest.raises(HeadstartError, match="pushed/ does not hold the candidate's model"):
        promoted(project)
    handed("one")
    (STUDY.pushed / "17/saved_model.pb").write_text("another model")
    with pytest.raises(HeadstartError, match="`dvc checkout`"):
        promoted(project)
