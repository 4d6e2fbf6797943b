"""The stage `promote`: from what a study handed over to the registry and to serving."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.project import FULL_STUDY, STUDY
from headstart.pipeline.promotion import promote as promotion
from headstart.pipeline.promotion import rollback
from headstart.pipeline.serving import models, proof
from headstart.pipeline.serving.models import Prediction
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.tracking import client, registry
from tests.pipeline.promotion.conftest import IMAGES, NAME, handed, registered, sha


@pytest.fixture(autouse=True)
def answers(project, monkeypatch):
    """The images by number that the champion, which TensorFlow would load, is wrong about: a third."""
    wrong = set(range(40, IMAGES))
    truth = {file.read_bytes(): file.parent.name for file in Path("data").rglob("*.png")}
    order = {content: number for number, content in enumerate(sorted(truth))}

    def predict(_, images):
        return (Prediction("wrong" if order[one] in wrong else truth[one], {}) for one in images)

    monkeypatch.setattr(models, "predict", predict)
    return wrong


@pytest.fixture(autouse=True)
def proved(monkeypatch):
    """What the server was asked, and what it fails with; the real one is tried in its own tests."""
    asked: list = []
    asked_failures: list[str] = []

    def prove(model, expected, max_latency_ms):
        asked.append((model, expected))
        return proof.Proof(len(expected), 0.0, 1.0, 1.0, asked_failures)

    monkeypatch.setattr(proof, "prove", prove)
    return asked, asked_failures


def promoted(loaded, **options):
    return promotion.promote(loaded, Console(file=io.StringIO()), **options)


def served():
    return digest(models.champion(NAME))


def test_the_first_blessed_model_is_served_from_what_pusher_pushed(project):
    model = handed("one")
    shutil.rmtree(STUDY.candidate / "model")  # not read where the model is blessed
    assert promoted(project, by="dvc repro").promoted
    assert served() == model
    champion = registry.champion(NAME)
    assert champion.number == "1"
    assert champion.tags["base"] == "compact" and champion.tags["promotion.min_gain"] == "0.0"
    assert champion.tags["decision"] == "blessed, and the first"
    assert "blessed, and the first" in client.connect().get_model_version(NAME, "1").description
    (event,) = registry.events(NAME)
    assert (event.version, event.before, event.by) == ("1", "", "dvc repro")
    assert json.loads(Path("receipts/promote.json").read_text())["candidate"] == model
    assert json.loads(Path(".headstart/promotion.json").read_text())["alias"] == "champion"


def test_the_same_candidate_again_changes_nothing(project):
    handed("one")
    promoted(project)
    receipt = Path("receipts/promote.json").read_bytes()
    assert promoted(project).reason == "it is the champion already"
    assert registry.champion(NAME).tags["decision"] == "blessed, and the first"
    assert Path("receipts/promote.json").read_bytes() == receipt
    assert [path.name for path in Path("serving", NAME).iterdir()] == ["1"]
    assert len(registry.events(NAME)) == 1


@pytest.mark.slow
def test_a_better_one_takes_the_place_after_the_server_proved_it(project, proved):
    handed("one")
    promoted(project)
    better = handed("two", right=58)
    decided = promoted(project)
    assert decided.promoted and decided.reason.startswith("better: 0.967 against 0.667 of the champion")
    assert served() == better
    assert registry.champion(NAME).number == "2"
    assert "| source b | 30 |" in client.connect().get_model_version(NAME, "2").description
    model, expected = proved[0][-1]
    assert model == STUDY.pushed / "17" and len(expected) == IMAGES
    assert expected[0] == proof.Expected(Path("data/a/00.png"), "a", 0.75)


@pytest.mark.slow
@pytest.mark.parametrize(("right", "told"), [(42, "not shown to be better"), (30, "worse")])
def test_a_candidate_that_is_worse_or_may_be_no_better_is_a_challenger(project, right, told):
    champion = handed("one")
    promoted(project)
    handed("two", right)
    decided = promoted(project)
    assert not decided.promoted and decided.reason.startswith(told)
    assert served() == champion
    assert registry.champion(NAME).number == "1"
    assert json.loads(Path(".headstart/promotion.json").read_text())["reason"] == decided.reason


@pytest.mark.slow
def test_a_candidate_that_is_worse_on_a_slice_is_a_challenger(project, answers):
    answers.clear()
    answers |= set(range(1, IMAGES, 2))  # of class b all
    champion = handed("one")
    promoted(project)
    handed("two", wrong=range(0, 8, 2))  # of class a four
    decided = promoted(project)
    assert not decided.promoted and served() == champion
    assert "label a fell from 1.000 to 0.867 on 30 images" in decided.reason
    assert "0.933 against 0.500 of the champion" in decided.reason


def test_a_candidate_that_is_not_blessed_is_a_challenger(project, proved):
    champion = handed("one")
    promoted(project)
    asked = len(proved[0])
    handed("two", failures=["too low"])
    assert promoted(project).reason == "not blessed: too low"
    assert served() == champion and len(proved[0]) == asked


def test_a_champion_that_has_seen_every_test_image_is_not_compared(project):
    champion = handed("one", saw=[sha(file) for file in Path("data").rglob("*.png")])
    promoted(project)
    handed("two")
    decided = promoted(project)
    assert not decided.promoted and "not comparable: 0 independent test images" in decided.reason
    assert served() == champion


def test_an_image_that_a_base_of_the_candidates_has_seen_does_not_count_either(project):
    handed("one")
    promoted(project)
    files = sorted(Path("data").rglob("*.png"))
    handed("two", saw=[sha(file) for file in files[:50]])
    decided = promoted(project)
    assert not decided.promoted and "not comparable: 10 independent" in decided.reason


def test_a_candidate_of_another_version_says_what_makes_it_anew(project):
    handed("one")
    file = STUDY.candidate / "candidate.json"
    told = json.loads(file.read_text())
    del told["origin"]
    file.write_text(json.dumps(told))
    with pytest.raises(HeadstartError, match="`headstart upgrade`, then `dvc repro`"):
        promoted(project)


def test_a_model_that_the_server_does_not_answer_with_is_refused(project, proved):
    proved[1].append("3 of 60 answers differ")
    handed("one")
    decided = promoted(project)
    told = "refused by the server: 3 of 60 answers differ; `dvc repro -f promote` tries again"
    assert decided.reason == told
    assert models.champion(NAME) is None and registry.champion(NAME) is None


@pytest.mark.slow
def test_a_champion_that_was_replaced_while_the_candidate_was_judged_stays(project, monkeypatch):
    handed("one")
    promoted(project)
    other = registered("other")

    def replaced(*_):
        registry.make_champion(NAME, other.number)
        return proof.Proof(60, 0.0, 1.0, 1.0, [])

    monkeypatch.setattr(proof, "prove", replaced)
    handed("two", right=58)
    with pytest.raises(HeadstartError, match="was replaced while the candidate was compared with version 1"):
        promoted(project)
    assert registry.champion(NAME).number == other.number
    assert not [event for event in registry.events(NAME) if event.version == "3"]


@pytest.mark.slow
def test_a_version_that_was_rolled_back_from_is_not_promoted_again_by_itself(project):
    one = handed("one")
    promoted(project)
    handed("two", right=58)
    promoted(project)
    event = rollback.rollback(NAME, None, "it fails at night", Console(file=io.StringIO()))
    assert (event.version, event.before) == ("1", "2")
    assert served() == one
    decided = promoted(project)
    assert not decided.promoted
    told = "rolled back from version 2: it fails at night; `headstart rollback 2` brings it back"
    assert decided.reason == told
    rollback.rollback(NAME, "2", "", Console(file=io.StringIO()))
    assert promoted(project).reason == "it is the champion already"


def test_the_full_study_leaves_no_receipt_of_the_stage(project):
    handed("one", folders=FULL_STUDY)
    assert promoted(project, folders=FULL_STUDY).promoted
    assert not Path("receipts").exists()


def test_without_a_candidate_or_its_pushed_model_it_says_what_to_do(project):
    with pytest.raises(HeadstartError, match=r"candidate.json is not here"):
        promoted(project)
    handed("one")
    shutil.rmtree(STUDY.pushed / "17")
    with pytest.raises(HeadstartError, match="pushed/ does not hold the candidate's model"):
        promoted(project)
    handed("one")
    (STUDY.pushed / "17/saved_model.pb").write_text("another model")
    with pytest.raises(HeadstartError, match="`dvc checkout`"):
        promoted(project)
