"""Thresholds of a class's probability, from out-of-fold predictions."""

import csv

import numpy as np
import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.statistics import wilson
from headstart.pipeline.results import out_of_fold, thresholds
from headstart.pipeline.results.out_of_fold import OutOfFold

# Of class a: right at 0.9, 0.8, 0.6 and 0.3; wrong at 0.7 and below.
SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
TRUTH = np.array([1, 1, 0, 1, 0, 0, 1, 0], bool)


def predictions(groups=None, scores=SCORES, truth=TRUTH):
    names = [str(row) for row in range(len(scores))] if groups is None else groups
    probabilities = np.stack([scores, 1 - scores], axis=1)
    return OutOfFold(("a", "b"), np.where(truth, 0, 1), np.array(names), probabilities)


@pytest.mark.parametrize(
    ("asked", "target", "threshold", "recall", "precision"),
    [
        ("recall", 0.5, 0.8, (2, 4), (2, 2)),
        ("recall", 0.6, 0.6, (3, 4), (3, 4)),
        ("recall", 1.0, 0.3, (4, 4), (4, 7)),
        ("precision", 1.0, 0.8, (2, 4), (2, 2)),
        ("precision", 0.75, 0.6, (3, 4), (3, 4)),
        ("precision", 0.5, 0.3, (4, 4), (4, 7)),
    ],
)
def test_of_the_thresholds_that_reach_the_target_the_one_that_costs_least_is_chosen(
    asked, target, threshold, recall, precision
):
    found = thresholds.threshold(predictions(), "a", asked, target)
    assert found.reached and found.threshold == threshold
    assert (found.recall.hits, found.recall.images) == recall
    assert (found.precision.hits, found.precision.images) == precision
    assert (found.recall.low, found.recall.high) == wilson(recall[0] / recall[1], recall[1])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("asked", ["recall", "precision"])
def test_no_other_threshold_reaches_the_target_for_less(seed, asked):
    rng = np.random.default_rng(seed)
    truth = rng.random(200) < 0.3
    scores = np.round(np.clip(rng.normal(0.3 + 0.3 * truth, 0.2), 0, 1), 2)  # with ties
    found = thresholds.threshold(predictions(scores=scores, truth=truth), "a", asked, 0.8)
    other = "precision" if asked == "recall" else "recall"
    for edge in np.unique(scores):
        hits = (truth & (scores >= edge)).sum()
        figures = {"recall": hits / truth.sum(), "precision": hits / (scores >= edge).sum()}
        assert figures[asked] < 0.8 or figures[other] <= getattr(found, other).value
    assert getattr(found, asked).value >= 0.8


def test_a_target_that_is_not_reached_says_so_with_the_best_that_there_is():
    scores = np.where(np.arange(8) == 2, 0.95, SCORES)
    found = thresholds.threshold(predictions(scores=scores), "a", "precision", 0.9)
    assert not found.reached and found.threshold == 0.6
    assert found.sentence == (
        "No threshold gives 'a' a precision of 90.0 %. The best that there is: predict 'a' where its "
        "probability is 0.6 or more: precision 75.0 % (30.1 to 95.4 %), 3 of 4; "
        "recall 75.0 % (30.1 to 95.4 %), 3 of 4."
    )
    with pytest.raises(ValueError, match="no image is of the class 'b'"):
        thresholds.threshold(predictions(truth=np.ones(8, bool)), "b", "recall", 0.9)


def test_intervals_count_groups_where_images_come_in_groups():
    alone = thresholds.threshold(predictions(), "a", "recall", 1.0).recall
    grouped = thresholds.threshold(predictions(groups=list("gggghhhh")), "a", "recall", 1.0).recall
    assert (grouped.value, grouped.hits, grouped.images) == (alone.value, alone.hits, alone.images)
    assert (grouped.low, grouped.high) == wilson(1.0, 2) and grouped.low < alone.low


def test_where_the_most_probable_class_is_predicted_the_worst_class_comes_first():
    first, second = thresholds.at_most(predictions())
    assert (first.label, second.label) == ("b", "a")
    # A probability of 0.5 for both is class a's.
    assert [(one.hits, one.images) for one in (second.recall, second.precision)] == [(3, 4), (3, 5)]
    assert [(one.hits, one.images) for one in (first.recall, first.precision)] == [(2, 4), (2, 3)]
    # Precisions at each image of class a, by hand: 1, 1, 3/4, 4/7.
    assert second.average_precision == pytest.approx((1 + 1 + 3 / 4 + 4 / 7) / 4)


def test_a_class_that_is_never_predicted_has_no_precision():
    (never, _) = thresholds.at_most(predictions(scores=np.full(8, 0.4)))
    assert never.label == "a" and never.precision.images == 0 and np.isnan(never.precision.value)
    assert never.precision.told() == "unknown, as it is never predicted"


def test_predictions_are_read_from_the_reports_with_paths_as_groups_where_there_are_none(tmp_path):
    with (tmp_path / "out_of_fold.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["path", "label", "group", "fold", "predicted", "probability of b", "probability of a"]
        )
        writer.writerow(["1", "a", "g", "1", "b", "0.6", "0.4"])
        writer.writerow(["2", "b", "", "2", "b", "0.7", "0.3"])
    found = out_of_fold.read(tmp_path)
    assert found.classes == ("b", "a") and list(found.groups) == ["g", "2"]
    np.testing.assert_array_equal(found.labels, [1, 0])
    np.testing.assert_array_equal(found.predicted, [0, 0])
    np.testing.assert_array_equal(found.probabilities, [[0.6, 0.4], [0.7, 0.3]])


def test_absent_and_empty_predictions_are_refused_with_the_remedy(tmp_path):
    with pytest.raises(HeadstartError, match="out_of_fold.csv is not here: run `dvc repro` first"):
        out_of_fold.read(tmp_path)
    (tmp_path / "out_of_fold.csv").write_text("path,label,group,fold,predicted,probability of a\n")
    with pytest.raises(HeadstartError, match="no fold could be made"):
        out_of_fold.read(tmp_path)
