"""A cell's metrics come from its predictions."""

import pytest

from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.results.cell import Cell, scores


def row(label, predicted, rank):
    return {
        "path": f"{label}/x",
        "label": label,
        "predicted": predicted,
        "confidence": 0.5,
        "label_rank": rank,
    }


FOUR = [row("a", "a", 0), row("a", "b", 3), row("b", "b", 0), row("c", "b", 1)]


def test_scores_are_those_computed_by_hand():
    found = scores(FOUR)
    assert found["test_accuracy"] == 0.5
    assert found["test_top_k_accuracy"] == 0.75
    # a: 1 of 1 answers right, 1 of 2 found; b: 1 of 3, 1 of 1; c: never answered.
    assert found["test_macro_precision"] == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert found["test_macro_recall"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert found["test_macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert (found["test_accuracy_low"], found["test_accuracy_high"]) == pytest.approx(
        (0.1500, 0.8500), abs=1e-4
    )
    assert found["test_images"] == 4


def test_the_verdict_gets_what_was_right_image_by_image():
    figures = {
        "train_seconds": 3.0,
        "seconds_to_best": 2.0,
        "cpu_seconds": 5.0,
        "setup_seconds": 1.0,
        "tuning_seconds": 0.5,
        "train_accuracy": 0.9,
        "val_accuracy": 0.8,
    }
    history = [{"elapsed": "1.5", "train_loss": "0.4", "val_loss": "0.6", "val_accuracy": "0.8"}]
    result = Cell("scratch", Subset(0.1, 12, None, 2), figures, history, FOUR, False).result(7)
    assert result.correct.tolist() == [True, False, True, False]
    assert (result.strategy, result.images, result.draw, result.val_images) == ("scratch", 12, 2, 7)
    assert (result.seconds, result.setup_seconds, result.tuning_seconds) == (3.0, 1.0, 0.5)
    assert not result.convex
    assert result.history == ((1.5, 0.4, 0.6, 0.8),)


def test_a_fit_is_convex_where_its_figures_say_so_and_in_references_without_a_seed():
    figures = dict.fromkeys(
        ("train_seconds", "seconds_to_best", "cpu_seconds", "setup_seconds", "tuning_seconds"), 1.0
    ) | {"train_accuracy": 1.0, "val_accuracy": 1.0}

    def convex(strategy, **others):
        return Cell(strategy, Subset(0.1, 12, None, 0), figures | others, [], FOUR, False).result(7).convex

    assert convex("frozen", convex=True) and convex("embeddings_logistic")
    assert not convex("frozen") and not convex("random_embeddings_logistic")
