"""`headstart threshold`, from the reports to the terminal."""

import csv
import json

import pytest
from typer.testing import CliRunner

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli.main import application


@pytest.fixture(autouse=True)
def reports(tmp_path, monkeypatch):
    """Ten coats and ten shirts; two shirts are taken for coats, and no image is a hat."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    with (tmp_path / "reports/out_of_fold.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        classes = ["coat", "hat", "shirt"]
        about = ["path", "label", "group", "fold", "predicted"]
        writer.writerow([*about, *(f"probability of {name}" for name in classes)])
        for row in range(20):
            shirt = 0.2 if row < 10 else 0.3 if row < 12 else 0.9
            label = "shirt" if row >= 10 else "coat"
            predicted = "shirt" if shirt > 0.5 else "coat"
            writer.writerow([row, label, row, row % 5 + 1, predicted, 1 - shirt, 0, shirt])


def _call(*arguments):
    return CliRunner().invoke(application.app, ["threshold", *arguments], catch_exceptions=False)


def test_the_threshold_of_a_recall_is_told_with_the_precision_that_it_costs():
    told = " ".join(_call("--recall", "shirt=0.9", "--precision", "coat=0.9").output.split())
    assert "Predict 'shirt' where its probability is 0.3 or more: recall 100.0 %" in told
    assert "10 of 10; precision 100.0 % (72.2 to 100.0 %), 10 of 10." in told
    assert "Predict 'coat' where its probability is 0.8 or more: precision 100.0 %" in told
    assert "20 training images" in told


def test_without_a_target_all_classes_are_listed_at_the_most_probable_class():
    lines = [line.split() for line in _call().output.splitlines()]
    rows = {line[0]: line for line in lines if line and line[0] in ("coat", "hat", "shirt")}
    assert rows["shirt"][1:4] == ["10", "80.0", "%"]
    assert rows["hat"][1:3] == ["0", "–"]
    assert "83.3" in rows["coat"]


def test_json_is_one_object_in_which_what_is_unknown_is_null():
    whole = json.loads(_call("--json").output)
    assert whole["images"] == 20 and whole["thresholds"] == []
    (hat,) = [one for one in whole["classes"] if one["label"] == "hat"]
    assert hat["precision"]["value"] is None and hat["average_precision"] is None
    (one,) = json.loads(_call("--json", "--recall", "shirt=0.8").output)["thresholds"]
    assert (one["threshold"], one["reached"], one["recall"]["hits"]) == (0.3, True, 10)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("shirt", "'shirt' is no target: give a class and its target, such as shirt=0.9."),
        ("shirt=much", "'shirt=much' is no target"),
        ("shirt=90", "The target 90 is not above 0 and at most 1: 90 % is 0.9."),
        ("sock=0.9", "There is no class 'sock': name one of coat, hat, shirt."),
        ("hat=0.9", "No fold holds an image of 'hat' out"),
    ],
)
def test_a_target_that_is_none_is_refused_with_the_remedy(target, message):
    with pytest.raises(HeadstartError) as refused:
        _call("--recall", target)
    assert message in str(refused.value)
