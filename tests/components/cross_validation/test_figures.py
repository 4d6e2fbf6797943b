"""Figures of the folds, computed by hand; the file of predictions."""

import csv

import numpy as np
import pytest

from headstart.components.cross_validation import figures
from headstart.components.cross_validation.out_of_fold import OutOfFold
from headstart.components.shared.linear.folds import Folds

LABELS = np.array([0, 1, 0, 1])
HELD_OUT = np.array([[1, 1, 0, 0], [0, 0, 1, 0]], bool)  # the last image is in no fold
FOLDS = Folds(~HELD_OUT, HELD_OUT)


def predicted(*classes, training=(1.0, 0.9)):
    fold = np.array([0, 0, 1, -1])
    return OutOfFold(fold, np.eye(2, dtype=np.float32)[list(classes)], np.array(training))


def test_means_and_standard_errors_are_over_the_folds_and_the_gain_is_paired():
    found = figures.figures(LABELS, FOLDS, predicted(0, 0, 0, 1), predicted(1, 0, 0, 1))
    assert [(one["training_images"], one["images"], one["accuracy"]) for one in found["folds"]] == [
        (2, 2, 0.5),
        (3, 1, 1.0),
    ]
    assert [one["random_accuracy"] for one in found["folds"]] == [0.0, 1.0]
    assert found["accuracy"] == {"mean": 0.75, "standard_error": pytest.approx(0.25)}
    assert found["gap"] == {"mean": pytest.approx(0.2), "standard_error": pytest.approx(0.3)}
    assert found["gain"] == {"mean": 0.25, "standard_error": pytest.approx(0.25)}


def test_without_random_weights_or_folds_nothing_is_compared():
    found = figures.figures(LABELS, FOLDS, predicted(0, 0, 0, 1), None)
    assert found["gain"] is None and found["folds"][0]["random_accuracy"] is None
    none = Folds(HELD_OUT[:0], HELD_OUT[:0])
    found = figures.figures(LABELS, none, predicted(0, 0, 0, 1, training=()), None)
    assert (found["folds"], found["accuracy"], found["gap"]) == ([], None, None)
    one = Folds(~HELD_OUT[:1], HELD_OUT[:1])
    found = figures.figures(LABELS, one, predicted(0, 0, 0, 1, training=(1.0,)), None)
    assert found["accuracy"] == {"mean": 0.5, "standard_error": None}


def test_the_file_has_a_row_for_each_image_that_was_held_out(tmp_path):
    names = ["a, b", "fold"]
    figures.write(tmp_path, list("wxyz"), LABELS, list("gghi"), names, predicted(0, 0, 0, 1), {"images": 4})
    with (tmp_path / figures.FILE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == ["w", "x", "y"]
    assert rows[1] == {
        "path": "x",
        "label": "fold",
        "group": "g",
        "fold": "1",
        "predicted": "a, b",
        "probability of a, b": "1.000000",
        "probability of fold": "0.000000",
    }
    assert figures.read(tmp_path) == {"images": 4}
