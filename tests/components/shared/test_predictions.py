"""Predictions: what is written is what is read, in the order of the paths."""

import numpy as np

from headstart.components.shared import predictions

NAMES = ["cat", 'dog, "big"', "Käfer"]


def test_rows_come_back_sorted_by_path_with_names_and_ranks(tmp_path):
    probabilities = np.array([[0.2, 0.5, 0.3], [0.7, 0.1, 0.2]], np.float32)
    file = predictions.write(
        tmp_path / "new", ["b/ü 2.png", "a/1,1.png"], np.array([0, 0]), probabilities, NAMES
    )
    assert list(predictions.read(file.parent)) == [
        {"path": "a/1,1.png", "label": "cat", "predicted": "cat", "confidence": 0.7, "label_rank": 0},
        {"path": "b/ü 2.png", "label": "cat", "predicted": NAMES[1], "confidence": 0.5, "label_rank": 2},
    ]


def test_a_tie_is_right_only_where_the_prediction_is(tmp_path):
    predictions.write(tmp_path, ["1", "2"], np.array([0, 1]), np.full((2, 3), 1 / 3), NAMES)
    rows = predictions.read(tmp_path)
    assert [row["predicted"] for row in rows] == ["cat", "cat"]
    assert [row["label_rank"] for row in rows] == [0, 1]
    assert rows[1:] == [rows[-1]]


def test_no_images_are_no_rows(tmp_path):
    predictions.write(tmp_path, [], np.zeros(0, int), np.zeros((0, 3)), NAMES)
    assert len(predictions.read(tmp_path)) == 0
