from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score

from headstart.components.tuner import scores


def images(labels: np.ndarray, folds: int = 2) -> scores.Images:
    at = np.arange(len(labels))
    held_out = np.stack([at % folds == fold for fold in range(folds)])
    return scores.Images(labels, at, held_out, int(labels.max()) + 1)


@pytest.mark.parametrize(
    ("objective", "theirs"),
    [
        ("accuracy", accuracy_score),
        ("macro_f1", lambda true, found: f1_score(true, found, average="macro", labels=np.unique(true))),
        ("worst_recall", lambda true, found: recall_score(true, found, average=None).min()),
    ],
)
def test_each_objective_is_scikit_learns(objective: str, theirs: object) -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
    held_out = images(labels)
    (found,) = scores.by_fold(predicted[None], held_out, objective)
    for fold, out in enumerate(held_out.held_out):
        assert found[fold] == pytest.approx(theirs(labels[out], predicted[out]))


def test_weights_count_images_so_many_times() -> None:
    labels, predicted = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 0])
    twice = scores.by_fold(predicted[None], images(labels, 1), "accuracy", np.array([1.0, 0.0, 1.0, 2.0]))
    assert twice[0, 0] == pytest.approx(2 / 4)


def test_a_fold_that_was_not_predicted_has_no_score() -> None:
    labels = np.array([0, 1, 0, 1])
    predicted = np.array([0, scores.UNKNOWN, 0, scores.UNKNOWN])
    (found,) = scores.by_fold(predicted[None], images(labels), "accuracy")
    assert found[0] == 1
    assert np.isnan(found[1])
