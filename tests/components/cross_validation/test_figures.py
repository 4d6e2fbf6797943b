"""What out-of-fold predictions amount to, and the files that hold them."""

import csv

import numpy as np
import pytest

from headstart.components.cross_validation import figures
from headstart.components.cross_validation.out_of_fold import OutOfFold
from headstart.components.shared.linear.folds import Folds

LABELS = np.array([0, 0, 1, 1, 0, 1])
FOLD = np.array([0, 0, 0, 1, 1, -1])
HELD_OUT = np.array([FOLD == 0, FOLD == 1])
FOLDS = Folds(~HELD_OUT, HELD_OUT)


def predicted(*classes, training=(1.0, 0.75)):
    answers = np.where(np.arange(2) == np.array(classes)[:, None], 0.75, 0.25)
    answers = np.where((FOLD < 0)[:, None], np.nan, answers).astype(np.float32)
    return OutOfFold(FOLD, answers, np.array(training))


def test_figures_are_means_over_folds_with_the_standard_error_of_the_mean():
    found = figures.figures(LABELS, FOLDS, predicted(0, 0, 0, 1, 1, 0), predicted(1, 1, 1, 0, 1, 0))
    assert [one["accuracy"] for one in found["folds"]] == [pytest.approx(2 / 3), 0.5]
    assert [one["random_accuracy"] for one in found["folds"]] == [pytest.approx(1 / 3), 0.0]
    assert [(one["training_images"], one["images"]) for one in found["folds"]] == [(3, 3), (4, 2)]
    # Of two values, the standard error of the mean is half their distance.
    assert found["accuracy"] == {"mean": pytest.approx(7 / 12), "standard_error": pytest.approx(1 / 12)}
    assert found["gap"] == {"mean": pytest.approx(7 / 24), "standard_error": pytest.approx(1 / 24)}
    assert found["gain"] == {"mean": pytest.approx(5 / 12), "standard_error": pytest.approx(1 / 12)}


def test_without_random_weights_or_without_folds_the_rest_is_none():
    alone = figures.figures(LABELS, FOLDS, predicted(0, 0, 0, 1, 1, 0), None)
    assert alone["gain"] is None and alone["folds"][0]["random_accuracy"] is None
    nothing = Folds(np.zeros((0, 6), bool), np.zeros((0, 6), bool))
    empty = OutOfFold(np.full(6, -1), np.full((6, 2), np.nan, np.float32), np.zeros(0))
    found = figures.figures(LABELS, nothing, empty, None)
    assert found["folds"] == [] and found["accuracy"] is None and found["gap"] is None


def test_the_table_has_a_row_for_each_image_that_was_held_out(tmp_path):
    paths, groups = [f"a/{row}.png" for row in range(6)], ["g", "", "", "", "", ""]
    found = predicted(0, 0, 0, 1, 1, 0)
    figures.write(tmp_path / "out", paths, LABELS, groups, ["cat", "dog"], found, {"folds": []})
    with (tmp_path / "out" / figures.FILE).open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == [*figures.COLUMNS, "probability of cat", "probability of dog"]
    assert rows[0] == ["a/0.png", "cat", "g", "1", "cat", "0.750000", "0.250000"]
    assert rows[4] == ["a/4.png", "cat", "", "2", "dog", "0.250000", "0.750000"]
    assert len(rows) == 5
    assert figures.read(tmp_path / "out") == {"folds": []}
