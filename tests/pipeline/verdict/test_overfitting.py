"""Signs of overfitting."""

from headstart.pipeline.verdict.cells import Cells
from headstart.pipeline.verdict.overfitting import overfitting


def signs(*results):
    return [one.signs for one in overfitting(Cells(results), max_gap=0.1, confidence=0.95)]


def test_95_percent_in_training_and_60_in_validation_from_scratch_is_told(cell):
    (found,) = signs(cell("scratch", 1000, 0.6, train_accuracy=0.95, val_accuracy=0.6))
    assert found == ("Training accuracy 95.0 %, validation 60.0 %: a gap of 35.0 points, more than 10.0.",)


def test_85_percent_in_training_and_80_in_validation_with_transfer_is_not(cell):
    assert signs(cell("fine_tune", 1000, 0.8, train_accuracy=0.85, val_accuracy=0.8)) == [()]


def test_a_gap_of_exactly_the_threshold_is_allowed(cell):
    assert signs(cell("frozen", 1000, 0.8, train_accuracy=0.9, val_accuracy=0.8)) == [()]


def test_validation_loss_that_turns_up_while_training_loss_falls_is_told(cell):
    history = ((1.0, 0.9, 0.8, 0.7), (2.0, 0.5, 0.5, 0.8), (3.0, 0.2, 0.6, 0.8))
    (found,) = signs(cell("scratch", 1000, 0.8, history=history))
    assert found == (
        "Validation loss turned up after epoch 2, from 0.500 to 0.600, while training loss fell.",
    )


def test_validation_loss_that_rises_with_the_training_loss_is_not_overfitting(cell):
    history = ((1.0, 0.5, 0.5, 0.8), (2.0, 0.9, 0.9, 0.7))
    assert signs(cell("scratch", 1000, 0.8, history=history)) == [()]


def test_a_loss_that_wavers_at_its_least_has_not_turned(cell):
    history = ((1.0, 0.5, 0.5, 0.8), (2.0, 0.4, 0.54, 0.8))
    assert signs(cell("scratch", 1000, 0.8, history=history)) == [()]


def test_a_loss_next_to_nothing_has_not_turned(cell):
    history = ((1.0, 0.5, 0.0001, 1.0), (2.0, 0.4, 0.0002, 1.0))
    assert signs(cell("scratch", 1000, 1.0, history=history)) == [()]


def test_a_fall_from_validation_to_test_is_told_where_chance_does_not_explain_it(cell):
    (found,) = signs(cell("frozen", 100, 0.7, train_accuracy=0.8, val_accuracy=0.8, val_images=1000))
    assert found == (
        "Accuracy falls from 80.0 % on validation to 70.0 % on test, more than chance explains.",
    )
    assert signs(cell("frozen", 100, 0.7, train_accuracy=0.8, val_accuracy=0.8, val_images=20)) == [()]


def test_of_many_cells_one_small_fall_is_chance(cell):
    fallen = cell("frozen", 100, 0.76, train_accuracy=0.8, val_accuracy=0.8)
    assert signs(fallen)[0]
    others = [cell("frozen", 100, 0.8, draw=draw) for draw in range(1, 30)]
    assert not any(signs(fallen, *others))
