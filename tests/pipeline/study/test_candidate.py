"""What a study hands over: the candidate, and in Pusher's destination the blessed model alone."""

from types import SimpleNamespace

import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import seen
from headstart.pipeline.data.seen import Seen
from headstart.pipeline.project import StudyFolders
from headstart.pipeline.results import candidate as candidates
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.study import candidate as candidate_of_study
from headstart.pipeline.study.candidate import withhold
from headstart.pipeline.study.lineage import Node
from tests.pipeline.saved_model import saved

ROWS = [
    {"path": "a/2", "label": "a", "split": "test", "sha256": "2", "brightness": "dark"},
    {"path": "a/3", "label": "a", "split": "train", "sha256": "3", "brightness": "dark"},
    {"path": "a/1", "label": "a", "split": "test", "sha256": "1", "brightness": "bright"},
]
ANCESTOR = Seen(frozenset("9"), frozenset())


def hand_over(results, pusher, folders):
    candidate_of_study.hand_over(results, pusher, folders, ROWS, ANCESTOR, {"base": "compact"})


@pytest.fixture
def folders(tmp_path):
    return StudyFolders(tmp_path / "project")


@pytest.fixture
def model(tmp_path):
    return saved(tmp_path / "trained", "one")


def results(model, failures=()):
    cell = SimpleNamespace(
        name="frozen-100%",
        model=model,
        model_digest=digest(model),
        metrics={"test_accuracy": 0.9},
        predictions=[{"path": path, "predicted": "a", "confidence": 0.75} for path in ("a/1", "a/2")],
    )
    return SimpleNamespace(candidate=cell, evaluation=SimpleNamespace(failures=list(failures)))


def pusher(model, version="17", pushed=1):
    told = {"pushed": pushed} | ({"pushed_version": version} if pushed else {})
    return Node(False, {"pushed_model": model}, {"pushed_model": told}, 0.0, 1.0)


def versions(folders):
    return sorted(path.name for path in folders.pushed.iterdir())


def test_the_candidate_has_its_model_and_figures(folders, model):
    hand_over(results(model, ["too low"]), pusher(model, pushed=0), folders)
    found = candidates.read(folders.candidate)
    assert (found.cell, found.accuracy) == ("frozen-100%", 0.9)
    assert found.failures == ["too low"]
    assert digest(folders.candidate / candidates.MODEL) == found.model_digest == digest(model)


def test_what_it_answered_for_the_test_images_and_what_it_has_seen_stand_beside_it(folders, model):
    hand_over(results(model), pusher(model), folders)
    rows = candidates.read_test(folders.candidate)
    assert [(row["path"], row["brightness"], row[candidates.UNIT]) for row in rows] == [
        ("a/1", "bright", "a/1"),
        ("a/2", "dark", "a/2"),
    ]
    assert {(row[candidates.PREDICTED], row[candidates.CONFIDENCE]) for row in rows} == {("a", "0.75")}
    assert seen.read(folders.candidate / seen.FILE) == Seen(frozenset("39"), frozenset())
    assert candidates.read(folders.candidate).origin == {"base": "compact"}


def test_a_model_that_is_not_blessed_leaves_an_empty_destination(folders, model):
    saved(folders.pushed / "3", "an earlier one")
    hand_over(results(model), pusher(model, pushed=0), folders)
    assert versions(folders) == []


def test_what_was_pushed_stays_and_earlier_versions_go(folders, model):
    saved(folders.pushed / "3", "an earlier one")
    pushed = saved(folders.pushed / "17", "one")
    before = (pushed / "saved_model.pb").stat().st_mtime_ns
    hand_over(results(model), pusher(model), folders)
    assert versions(folders) == ["17"]
    assert (pushed / "saved_model.pb").stat().st_mtime_ns == before


def test_what_a_cached_pusher_pushed_earlier_comes_back(folders, model):
    saved(folders.pushed / "17", "another model")  # as DVC may have checked it out
    for _ in range(2):
        hand_over(results(model), pusher(model), folders)
        assert versions(folders) == ["17"]
        assert digest(folders.pushed / "17") == digest(model)
        (folders.pushed / "17" / "saved_model.pb").unlink()


def test_a_study_with_failures_has_no_candidate(folders, model):
    hand_over(results(model), pusher(model), folders)
    withhold(folders)
    withhold(folders)
    with pytest.raises(HeadstartError, match="candidate.json is not here.*`dvc pull`"):
        candidates.read(folders.candidate)
    assert not folders.pushed.exists()
