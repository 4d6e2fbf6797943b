"""What the first `dvc repro` of a new project leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from headstart.components.evaluator import results
from tests.stories.conftest import ROOT, candidate_of


def test_a_run_reports_an_accuracy_well_above_chance_and_promotes_the_first_model(project):
    metrics = project.read("reports/metrics.json")
    assert metrics["test_images"] == 24
    assert metrics["test_accuracy"] >= 0.6
    assert metrics["test_accuracy_low"] < metrics["test_accuracy"] <= metrics["test_accuracy_high"]
    assert project.read(".headstart/promotion.json")["alias"] == "champion"
    assert "test accuracy" in project.run("headstart", "show")


def test_every_strategy_has_a_cell_on_every_subset_and_draw(project):
    strategies = ("scratch", "frozen", "fine_tune", "textbook", "random_blocks")
    strategies += ("pixels_logistic", "pixels_svm", "embeddings_logistic", "random_embeddings_logistic")
    subsets = (("1.0", "0", "48"), ("0.5", "0", "24"), ("0.5", "1", "24"))
    found = project.table("strategy", "fraction", "draw", "labelled_images")
    third = ("frozen", "0.5", "2", "24")
    assert sorted(found) == sorted(
        [third, *((strategy, *subset) for strategy in strategies for subset in subsets)]
    )
    assert "scratch-50% draw 2: " in project.first
    assert "cell 16 of 16" in project.first


def test_the_price_is_printed_first_and_the_frozen_head_comes_before_what_takes_longer(project):
    told = ("This study takes about", "frozen-100%", "References")
    price, frozen, references = map(project.first.index, told)
    assert price < project.first.index("ImageExampleGen") < frozen < references
    assert references < project.first.index("fine_tune-100%") < project.first.index("scratch-100%")
    assert "BatchNorm adapts; the whole base is trained; 40 steps for 48 images" in project.first


def test_the_verdict_is_a_dvc_metric_with_evidence_and_the_report_tells_it(project):
    verdict = project.read("reports/verdict.json")
    assert verdict["rating"] in ("good", "mixed", "bad")
    assert [(c["side"], c["name"]) for c in verdict["clauses"]] == [
        ("good", "accuracy"),
        ("good", "time"),
        *(("bad", name) for name in ("accuracy", "data", "time")),
    ]
    assert "reports/verdict.json" in json.loads(project.run("dvc", "metrics", "show", "--json"))[""]["data"]
    page = (project.folder / "reports/report.html").read_text(encoding="utf-8")
    assert "scratch" in page
    assert 'src="http' not in page
    told = project.call("headstart", "report", BROWSER="true")
    assert told.returncode == 0
    assert "reports/report.html" in told.stdout


def test_relatedness_is_told_before_anything_is_trained(project):
    assert "a linear probe of its embeddings gets" in project.first
    assert project.first.index("linear probe") < project.first.index("cell 1 of 16")


def test_metrics_of_predictions_are_those_of_tfma(project):
    (folder,) = (project.folder / ".headstart/tfx/Evaluator/evaluation").iterdir()
    tfma = results.read(folder).overall
    ours = project.read("reports/metrics.json")
    for name in ("accuracy", "top_k_accuracy", "macro_precision", "macro_recall", "macro_f1"):
        assert ours[f"test_{name}"] == pytest.approx(tfma.metrics[name], abs=1e-6), name
    assert (ours["test_accuracy_low"], ours["test_accuracy_high"]) == pytest.approx((tfma.low, tfma.high))


def test_dvc_has_nothing_left_to_do_and_a_second_run_does_nothing(project):
    assert "up to date" in project.run("dvc", "status")
    again = project.run("dvc", "repro")
    assert "Running stage" not in again


def test_the_runs_are_in_mlflow_side_by_side_with_curves_and_pictures(project):
    client, parent, children = project.runs()
    verdict = project.read("reports/verdict.json")
    assert verdict["sentence"] in parent.data.tags["mlflow.note.content"]
    assert parent.data.tags["verdict"] == verdict["rating"]
    pictures = [
        one for one in yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"] if isinstance(one, str)
    ]
    assert {"report.html", "cells.csv", *(Path(one).name for one in pictures)} <= _artifacts(client, parent)
    shown = json.loads(project.run("dvc", "plots", "show", "--json"))["data"]
    assert all(shown[picture] for picture in pictures)
    assert len(children) == 9 * 3 + 1
    shared = set.intersection(*(set(run.data.metrics) for run in children.values()))
    assert {"test_accuracy", "test_macro_f1", "train_seconds", "seconds_to_best", "labelled_images"} <= shared
    trained = children["textbook-100%"]
    steps = [point.step for point in client.get_metric_history(trained.info.run_id, "val_loss")]
    assert sorted(steps) == list(range(10 + 4))
    assert {"curves.png", "confusion_matrix.png", "predictions.csv"} <= _artifacts(client, trained)
    assert trained.data.params["strategy"] == "textbook"
    assert trained.data.tags["data_version"]
    assert trained.inputs.dataset_inputs[0].dataset.name == "shapes"
    accuracy = project.read("reports/metrics.json")["test_accuracy"]
    assert candidate_of(children).data.metrics["test_accuracy"] == pytest.approx(accuracy)
    assert "slices.json" in _artifacts(client, candidate_of(children))


def _artifacts(client, run):
    return {item.path for item in client.list_artifacts(run.info.run_id)}
