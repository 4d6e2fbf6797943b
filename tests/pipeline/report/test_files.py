"""What a study leaves in `reports/`: whole, for DVC, for MLflow and for people."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PIL import Image

from headstart.pipeline.config import file as config
from headstart.pipeline.report import files
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.verdict.findings import SCRATCH
from headstart.pipeline.verdict.judge import judge
from tests.pipeline.report.conftest import TEMPLATE
from tests.pipeline.report.sample import TEST

DVC = yaml.safe_load((Path(__file__).parents[3] / "dvc.yaml").read_text())
# By file: how DVC draws it; None of a picture.
PLOTS = dict(next(iter(one.items())) if isinstance(one, dict) else (one, None) for one in DVC["plots"])


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        return reader.fieldnames, list(reader)


def strictly(path):
    """JSON as its standard has it, without NaN and Infinity."""

    def refuse(name):
        raise ValueError(f"{path.name} has {name}")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def judged(cells):
    return judge([cell.result(100) for cell in cells], config.load(TEMPLATE).verdict, classes=10)


def test_every_file_that_dvc_shows_is_there(written):
    for name in (*DVC["metrics"], *PLOTS):
        assert (written.folder.parent / name).stat().st_size > 0


def test_every_picture_can_be_opened(written):
    pictures = [name for name, drawn in PLOTS.items() if drawn is None]
    assert len(pictures) == 5
    for name in pictures:
        with Image.open(written.folder.parent / name) as picture:
            picture.load()
            assert picture.format == "PNG" and min(picture.size) > 100


def test_the_names_that_go_to_mlflow_are_of_files_that_are_there(written):
    assert len(set(written.names)) == len(written.names)
    assert {"report.html", "verdict.json", "cells.csv", "learning_curves.png"} <= set(written.names)
    assert set(written.names) < {path.name for path in written.folder.iterdir()}


def test_figures_without_a_bound_are_null_in_json(written):
    found = {path.name: strictly(path) for path in written.folder.glob("*.json")}
    assert set(found) == {"metrics.json", "summary.json", "verdict.json"}
    assert found["metrics.json"]["val_loss"] is found["metrics.json"]["slope"] is None
    assert found["verdict.json"]["measures"]["images_needed"] is None


def test_the_metrics_are_those_of_the_candidate(written):
    metrics = strictly(written.folder / "metrics.json")
    assert metrics["test_accuracy"] == written.results.candidate.metrics["test_accuracy"]
    assert set(metrics) == set(written.results.candidate.metrics)


def test_the_verdict_begins_with_the_rating(written):
    verdict = strictly(written.folder / "verdict.json")
    assert list(verdict)[:3] == ["rating", "saving", "sentence"]
    assert verdict["sentence"] == written.results.verdict.sentence
    assert len(verdict["rows"]) == len(written.results.verdict.rows)


def test_the_summary_names_the_model_what_failed_and_what_was_missed(written):
    summary = strictly(written.folder / "summary.json")
    results = written.results
    assert summary["cell"] == "fine_tune-100%"
    assert summary["model_digest"] == digest(results.candidate.model)
    assert summary["failed_cells"] == results.failures and results.failures
    assert summary["failures"] == results.evaluation.failures and results.evaluation.failures
    assert summary["labels"] == results.labels
    assert summary["cached"] is False
    assert summary["test_accuracy"] == results.candidate.metrics["test_accuracy"]


def test_the_table_has_a_row_a_cell_with_the_same_columns_for_every_strategy(written):
    columns, rows = table(written.folder / "cells.csv")
    about = ["cell", "strategy", "fraction", "draw", "labelled_images"]
    assert columns == [*about, *files.COLUMNS]
    cells = {cell.name: cell for cell in written.results.cells}
    assert [row["cell"] for row in rows] == list(cells)
    for row in rows:
        cell = cells[row["cell"]]
        assert (row["strategy"], int(row["labelled_images"])) == (cell.strategy, cell.images)
        assert (float(row["fraction"]), int(row["draw"])) == (cell.fraction, cell.draw)
        assert {name: float(row[name]) for name in files.COLUMNS} == {
            name: cell.metrics[name] for name in files.COLUMNS
        }


def test_dvc_finds_the_columns_that_it_draws(written):
    drawn = {name: how for name, how in PLOTS.items() if how}
    assert len(drawn) == 2
    for name, how in drawn.items():
        columns, rows = table(written.folder.parent / name)
        wanted = {how["x"], *([how["y"]] if isinstance(how["y"], str) else how["y"])}
        assert wanted <= set(columns) and rows


def test_the_history_is_the_candidates(written):
    _, rows = table(written.folder / "history.csv")
    assert rows == written.results.candidate.history


def test_the_confusion_has_a_row_a_test_image(written):
    _, rows = table(written.folder / "confusion.csv")
    told = [(row["actual"], row["predicted"]) for row in rows]
    assert len(told) == TEST
    assert told == [(row["label"], row["predicted"]) for row in written.results.candidate.predictions]


def test_slices_have_their_metrics_and_their_interval(written):
    columns, (camera, label) = table(written.folder / "slices.csv")
    assert columns == ["column", "value", "images", "low", "high", "accuracy", "macro_f1"]
    assert (camera["column"], camera["value"], camera["images"]) == ("camera", "[camera 3]", "75")
    assert (float(label["accuracy"]), float(label["low"]), float(label["high"])) == (0.9, 0.744, 0.965)


def test_the_page_names_the_study_and_what_failed(written):
    html = (written.folder / "report.html").read_text(encoding="utf-8").replace("\N{NO-BREAK SPACE}", " ")
    assert "<title>my-images: what transfer learning saved</title>" in html
    assert "MobileNetV2, imagenet, 224 px" in html and "headstart study" in html
    assert "gradual-5% draw 2 failed: ResourceExhaustedError: no memory on [/device:CPU:0]" in html
    assert "accuracy on camera [camera 3] is 0.760, 0.800 is asked" in html


def test_a_convex_candidate_without_slices_leaves_the_columns_that_dvc_draws(write, written):
    (frozen,) = [one for one in written.results.cells if one.name == "frozen-100%"]
    candidate = replace(frozen, history=[], model=written.results.candidate.model)
    evaluation = replace(written.results.evaluation, slices=[])
    made = write(candidate=candidate, evaluation=evaluation)
    columns, rows = table(made.folder / "history.csv")
    drawn = PLOTS["reports/history.csv"]
    assert {drawn["x"], *drawn["y"]} <= set(columns) and rows == []
    assert table(made.folder / "slices.csv")[1] == []


def test_a_study_of_the_baseline_alone_has_all_its_files(write, written):
    cells = [cell for cell in written.results.cells if cell.strategy == SCRATCH]
    candidate = replace(cells[-1], model=written.results.candidate.model)
    made = write(cells=cells, candidate=candidate, verdict=judged(cells))
    assert {path.name for path in made.folder.iterdir()} == {path.name for path in written.folder.iterdir()}


def test_a_study_that_compares_no_strategy_with_the_baseline_has_all_its_files(write, written):
    """As with `study.strategies: [textbook]`: neither transfer nor the baseline is in it."""
    cells = [replace(c, strategy="textbook") for c in written.results.cells if c.strategy == "gradual"]
    candidate = replace(cells[-1], model=written.results.candidate.model)
    made = write(cells=cells, candidate=candidate, verdict=judged(cells))
    assert {path.name for path in made.folder.iterdir()} == {path.name for path in written.folder.iterdir()}


def test_a_folder_that_is_there_is_left_as_it_is(write, tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/metrics.json").write_text("of an earlier study")
    with pytest.raises(FileExistsError):
        write()
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["metrics.json"]
    assert (tmp_path / "reports/metrics.json").read_text() == "of an earlier study"
