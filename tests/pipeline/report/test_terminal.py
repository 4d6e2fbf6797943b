"""The last study on the terminal, as its files in `reports/` have it."""

import io
import json
import re
import shutil

import pytest
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.project import DECISION
from headstart.pipeline.report import terminal
from headstart.pipeline.report.paths import SUMMARY, VERDICT, write_json

COLUMNS = ["strategy", "images", "draws", "test accuracy", "95 %", "spread", "seconds", "search"]


@pytest.fixture
def reports(written, tmp_path, monkeypatch):
    """The reports of a whole study, in a project folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return shutil.copytree(written.folder, tmp_path / "reports")


def shown(reports, colours=False):
    console = Console(file=io.StringIO(), width=200, force_terminal=colours, no_color=not colours)
    terminal.show(reports, console)
    return console.file.getvalue()


def cells(line):
    """The cells of a line of a table."""
    return re.split(r"\s{2,}", line.strip())


def line(text, beginning):
    """The cells of the one line that begins like this."""
    (found,) = [one for one in text.splitlines() if one.startswith(beginning)]
    return cells(found)


def change(reports, name, **values):
    content = json.loads((reports / name).read_text())
    write_json(reports / name, {**content, **values})


def decide(candidate, **values):
    DECISION.parent.mkdir(exist_ok=True)
    made = {"alias": "champion", "version": "3", "reason": "0.950 [of 300] beats 0.940", **values}
    write_json(DECISION, {"candidate": candidate, **made})


def test_the_sentence_comes_first(reports, written):
    assert shown(reports).strip().splitlines()[0] == written.results.verdict.sentence


@pytest.mark.parametrize(("rating", "colour"), [("good", 32), ("mixed", 33), ("bad", 31)])
def test_the_rating_has_its_colour(reports, rating, colour):
    change(reports, VERDICT, rating=rating, sentence=f"{rating.capitalize()}: as measured.")
    assert f"\x1b[1;{colour}m{rating.capitalize()}\x1b[0m: as measured." in shown(reports, colours=True)


def test_negative_transfer_and_findings_are_told(reports):
    findings = ["Control: the head [alone] explains it."]
    change(reports, VERDICT, negative=["Negative transfer: scratch is better."], findings=findings)
    text = shown(reports)
    assert "Negative transfer: scratch is better.\nControl: the head [alone] explains it.\n" in text


def test_every_clause_is_told_with_its_state_under_its_side(reports):
    text = shown(reports)
    good, bad = text.index("good if"), text.index("bad if")
    assert good < text.index("✓ met") < text.index("? undecided") < bad < text.index("✓ does not apply")
    assert line(text, "? undecided") == [
        "? undecided",
        "at least 50 % less than scratch",
        "84.1 % less (48.1 to 86.0 %)",
    ]


def test_the_table_has_a_row_a_strategy_and_subset(reports, written):
    lines = [cells(one) for one in shown(reports).splitlines()]
    head, rows = lines.index(COLUMNS), written.results.verdict.rows
    told = lines[head + 1 : head + 1 + len(rows)]
    assert [one[:3] for one in told] == [[row.strategy, f"{row.images:,}", str(row.draws)] for row in rows]
    assert lines[head + 1 + len(rows)] == [""]


def row(**values):
    figures = {"accuracy": 0.9, "accuracy_min": 0.88, "accuracy_max": 0.92, "low": 0.85, "high": 0.94}
    about = {"strategy": "scratch", "images": 1257, "draws": 3, "spread": "own"}
    return {**about, **figures, "seconds": 93.0, "tuning_seconds": 22.0, **values}


def test_a_row_has_the_range_of_its_draws_and_its_search_where_there_are_any(reports):
    change(reports, VERDICT, rows=[row(), row(strategy="frozen", draws=1, tuning_seconds=0.0)])
    text = shown(reports)
    assert line(text, "scratch ") == [
        *("scratch", "1,257", "3", "90.0 % (88.0–92.0)", "85.0–94.0", "own", "93 s", "22 s")
    ]
    assert line(text, "frozen ") == ["frozen", "1,257", "1", "90.0 %", "85.0–94.0", "own", "93 s"]


def test_a_verdict_of_an_earlier_version_is_shown(reports):
    earlier = row(arm="fine_tune")
    for name in ("strategy", "spread"):
        del earlier[name]
    change(reports, VERDICT, rows=[earlier])
    verdict = json.loads((reports / VERDICT).read_text())
    del verdict["findings"]
    write_json(reports / VERDICT, verdict)
    assert line(shown(reports), "fine_tune ")[:2] == ["fine_tune", "1,257"]


def test_the_cheapest_strategy_is_named(reports, written):
    assert f"\n{written.results.verdict.cheapest}\n" in shown(reports)


def test_the_candidate_is_told_with_its_figures(reports, written):
    text, metrics = shown(reports), written.results.candidate.metrics
    assert "\nfine_tune-100%" in text
    low, high = (100 * metrics[f"test_accuracy_{end}"] for end in ("low", "high"))
    accuracy = f"{100 * metrics['test_accuracy']:.1f} % ({low:.1f} to {high:.1f} %), 300 images"
    assert line(text, "test accuracy") == ["test accuracy", accuracy]
    assert line(text, "macro F1")[1] == f"{metrics['test_macro_f1']:.3f}"
    assert line(text, "validation, training accuracy")[1] == "95.0 %, 100.0 %"
    assert line(text, "training time")[1] == "15 s, 10 s to the best weights"
    assert line(text, "weakest slices")[1] == "camera [camera 3] 76.0 % (75), label class 0 90.0 % (30)"


def test_a_training_of_an_earlier_run_is_told_apart(reports):
    assert "nothing had changed" not in shown(reports)
    change(reports, SUMMARY, cached=True)
    assert line(shown(reports), "training time")[1].endswith("(an earlier run's: nothing had changed)")


@pytest.mark.parametrize(("failures", "blessed"), [(["too low"], "no"), ([], "yes")])
def test_it_is_blessed_where_no_threshold_was_missed(reports, failures, blessed):
    change(reports, SUMMARY, failures=failures)
    assert line(shown(reports), "blessed") == ["blessed", blessed]


def test_the_three_weakest_slices_are_told_the_weakest_first(reports):
    with (reports / "slices.csv").open("a") as file:
        file.write("camera,old,20,0.3,0.7,0.5,0.5\ncamera,new,20,0.9,1.0,1.0,1.0\n")
    told = line(shown(reports), "weakest slices")[1]
    assert told == "camera old 50.0 % (20), camera [camera 3] 76.0 % (75), label class 0 90.0 % (30)"


def test_without_a_slice_the_rest_is_told(reports):
    (reports / "slices.csv").write_text("\n")
    assert line(shown(reports), "weakest slices") == ["weakest slices"]


def test_failed_cells_are_told_with_the_reason(reports):
    failed = ["failed", "gradual-5% draw 2: ResourceExhaustedError: no memory on [/device:CPU:0]"]
    assert line(shown(reports), "failed") == failed
    change(reports, SUMMARY, failed_cells={})
    assert "failed" not in shown(reports)


def test_what_was_decided_of_this_candidate_is_told(reports):
    digest = json.loads((reports / SUMMARY).read_text())["model_digest"]
    assert "promotion" not in shown(reports)
    decide(digest)
    told = line(shown(reports), "promotion")
    assert told == ["promotion", "champion version 3: 0.950 [of 300] beats 0.940"]
    decide(digest, alias="challenger", version="4", reason="not blessed")
    assert line(shown(reports), "promotion")[1] == "challenger version 4: not blessed"


def test_what_was_decided_of_another_candidate_is_not_told(reports):
    decide("0123456789abcdef")
    text = shown(reports)
    assert "promotion" not in text and "beats" not in text


@pytest.mark.parametrize("there", [True, False])
def test_without_a_report_it_is_told_what_makes_one(tmp_path, there):
    if there:
        (tmp_path / "reports").mkdir()
    with pytest.raises(HeadstartError, match=r"reports/verdict\.json is not here: run `dvc repro` first"):
        shown(tmp_path / "reports")
