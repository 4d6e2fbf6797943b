"""Scratch as an opponent: absent on everything, guessing, not at its end."""

from dataclasses import replace

import pytest

from headstart.pipeline.verdict.findings import SCRATCH


def test_without_scratch_on_everything_savings_are_not_told(verdict, study):
    table = {SCRATCH: {100: (0.5, 10)}, "frozen": {100: (0.9, 5), 1000: (0.92, 10)}}
    found = verdict(study(table))
    assert found.saving == "none"
    assert "Scratch has no result on all 1,000 images: savings cannot be told." in found.notes
    assert "No result of scratch on 1,000 images." in found.notes
    assert found.measures["accuracy_gain_small"] == pytest.approx(0.4)


def test_nothing_is_saved_against_a_scratch_that_guesses(verdict, study):
    found = verdict(study({SCRATCH: {1000: (0.11, 100)}, "frozen": {100: (0.9, 5), 1000: (0.9, 9)}}))
    assert any("not shown to be better than guessing among 10 classes" in note for note in found.notes)
    assert (found.rating, found.saving, found.findings) == ("mixed", "none", ())
    states = {(clause.side, clause.name): clause.state for clause in found.clauses}
    assert states["bad", "time"] == states["good", "time"] == "undecided"
    assert "time_saved" not in found.measures


def test_a_failed_draw_on_few_images_does_not_make_the_network_of_all_of_them_one_that_guesses(verdict, cell):
    results = [cell(SCRATCH, 100, accuracy, draw=d) for d, accuracy in enumerate((0.27, 0.96))]
    results += [cell(SCRATCH, 1000, 0.98), cell("frozen", 100, 0.75, 5), cell("frozen", 1000, 0.9, 20)]
    found = verdict([*results, cell("pixels_svm", 1000, 0.82, 1)])
    assert not any("guessing" in note for note in found.notes)
    assert found.measures["time_saved"] == pytest.approx(0.95)
    assert found.cheapest.startswith("Scratch (98.0 % in 100 s) is the best strategy")


def test_scratch_that_was_still_learning_is_called_a_weak_opponent(verdict, cell):
    def history(*accuracies):
        return tuple((float(n), 1.0, 1.0, value) for n, value in enumerate(accuracies))

    transfer = cell("frozen", 1000, 0.8)
    rising = replace(cell(SCRATCH, 1000, 0.5), train_accuracy=0.55, history=history(0.1, 0.2, 0.3, 0.4, 0.5))
    notes = verdict([transfer, rising]).notes
    assert any("still learning when its epochs ended (training accuracy 55.0 %)" in note for note in notes)
    for settled in (
        replace(rising, train_accuracy=0.95),
        replace(rising, history=history(0.1, 0.2, 0.5, 0.5, 0.5)),
        replace(rising, history=()),
    ):
        assert not any("still learning" in note for note in verdict([transfer, settled]).notes)
