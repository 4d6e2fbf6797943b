"""Measures, and the cheapest strategy."""

import pytest

from headstart.pipeline.verdict.findings import SCRATCH
from headstart.pipeline.verdict.judge import judge


def measured(results, thresholds, **others):
    return judge(results, thresholds, 10, **others).measures


def test_each_clock_tells_its_own_saving(cell, thresholds):
    theirs = {"cpu_seconds": 400, "seconds_to_best": 50, "setup_seconds": 20, "tuning_seconds": 300}
    ours = {"cpu_seconds": 100, "seconds_to_best": 30, "setup_seconds": 20, "tuning_seconds": 60}
    results = [cell(SCRATCH, 1000, 0.9, 100, **theirs), cell("frozen", 100, 0.9, 40, **ours)]
    found = measured(results, thresholds)
    assert found["time_saved"] == pytest.approx(0.6)
    assert found["time_saved_cpu"] == pytest.approx(0.75)
    assert found["time_saved_to_best"] == pytest.approx(0.4)
    assert found["time_saved_with_setup"] == pytest.approx(0.5)
    assert found["time_saved_with_search"] == pytest.approx(0.75)
    assert (found["scratch_tuning_seconds"], found["transfer_tuning_seconds"]) == (300, 60)
    clause = next(c for c in judge(results, thresholds, 10).clauses if c.name == "time")
    assert clause.value == pytest.approx(0.6)
    assert clause.figure.endswith("; 75 % with both sides' search time")


def test_time_to_scratchs_accuracy_is_that_of_the_first_epoch_that_has_it(cell, thresholds):
    ours = ((2.0, 1.0, 1.0, 0.7), (4.0, 0.5, 0.5, 0.8), (6.0, 0.4, 0.4, 0.9))
    theirs = ((10.0, 1.0, 1.0, 0.6), (20.0, 0.5, 0.5, 0.8), (30.0, 0.4, 0.4, 0.75))
    results = [cell(SCRATCH, 1000, 0.8, history=theirs), cell("frozen", 1000, 0.9, history=ours)]
    assert measured(results, thresholds)["time_to_scratch_accuracy_saved"] == pytest.approx(1 - 4 / 20)


def test_time_to_an_accuracy_that_transfer_never_has_is_not_told(cell, thresholds):
    ours, theirs = ((2.0, 1.0, 1.0, 0.7),), ((10.0, 1.0, 1.0, 0.8),)
    results = [cell(SCRATCH, 1000, 0.8, history=theirs), cell("frozen", 1000, 0.9, history=ours)]
    found = judge(results, thresholds, 10)
    assert "time_to_scratch_accuracy_saved" not in found.measures
    assert any("does not reach scratch's best validation accuracy" in note for note in found.notes)


def test_images_that_scratch_needs_are_read_off_its_curve(study, thresholds):
    table = {SCRATCH: {10: (0.1, 9), 100: (0.5, 9), 1000: (0.9, 9)}, "frozen": {100: (0.7, 9)}}
    assert measured(study(table), thresholds)["images_scratch_needs"] == pytest.approx(100 * 10**0.5)


def test_images_that_scratch_needs_are_extrapolated_by_its_fit_beyond_the_largest_subset(study, thresholds):
    scratch = {n: (1 - 0.05 - 5 * n**-0.5, 9) for n in (50, 100, 250, 500, 1000)}
    found = judge(study({SCRATCH: scratch, "frozen": {100: (0.85, 9)}}), thresholds, 10)
    # 0.15 = 0.05 + 5 / sqrt(2500), within what rounding to whole test images and the prior leave
    assert found.measures["images_scratch_needs"] == pytest.approx(2500, rel=0.1)
    assert any("extrapolated" in note for note in found.notes)


def test_where_two_subsets_fit_no_curve_what_scratch_needs_is_left_open(study, thresholds):
    table = {SCRATCH: {100: (0.2, 9), 1000: (0.5, 9)}, "frozen": {100: (0.8, 9), 1000: (0.9, 9)}}
    found = judge(study(table), thresholds, 10)
    assert "images_scratch_needs" not in found.measures
    told = (
        "Scratch does not reach what the frozen base reaches with 100 images with any subset; "
        "with how many images it would, a study of three subsets or more can tell."
    )
    assert told in found.notes


def test_where_scratchs_smallest_subset_is_enough_that_is_told_as_a_bound(study, thresholds):
    table = {SCRATCH: {100: (0.9, 9), 1000: (0.95, 9)}, "frozen": {100: (0.7, 9)}}
    found = judge(study(table), thresholds, 10)
    assert found.measures["images_scratch_needs"] == 100
    told = (
        "Scratch has what the frozen base reaches with 100 images with 100 already: it may need still fewer."
    )
    assert told in found.notes


def test_nothing_is_told_to_be_faster_than_a_scratch_that_guesses(cell, thresholds):
    history = ((2.0, 1.0, 1.0, 0.7),)
    results = [cell(SCRATCH, 1000, 0.1, history=history), cell("frozen", 1000, 0.9, history=history)]
    found = measured(results, thresholds)
    assert not {"time_saved", "time_to_scratch_accuracy_saved", "images_scratch_needs"} & found.keys()


def test_pretraining_pays_after_as_many_uses_as_its_seconds_hold_savings(study, thresholds):
    table = {SCRATCH: {1000: (0.8, 100)}, "frozen": {100: (0.9, 40)}}
    assert measured(study(table), thresholds, pretrain_seconds=180.0)["amortisation_uses"] == 3
    assert measured(study(table), thresholds, pretrain_seconds=181.0)["amortisation_uses"] == 4
    assert "amortisation_uses" not in measured(study(table), thresholds)


def test_pretraining_that_saves_no_time_never_pays(study, thresholds):
    table = {SCRATCH: {1000: (0.8, 30)}, "frozen": {100: (0.9, 40)}}
    found = judge(study(table), thresholds, 10, pretrain_seconds=180.0)
    assert "amortisation_uses" not in found.measures
    assert any("never pays" in note for note in found.notes)


def test_the_asymptotic_advantage_is_that_of_the_fits_where_both_can_be_leant_on(study, thresholds):
    sizes = (10, 50, 100, 250, 1000)
    table = {
        SCRATCH: {n: (0.8 - 1.5 * n**-0.5, 9) for n in sizes},
        "frozen": {n: (0.95 - 0.8 * n**-0.5, 9) for n in sizes},
    }
    found = judge(study(table), thresholds, 10)
    assert found.measures["asymptotic_advantage"] == pytest.approx(0.15, abs=0.03)
    assert not any("asymptotic" in note for note in found.notes)
    assert [curve.strategy for curve in found.curves] == [SCRATCH, "frozen"]
    assert found.measures["error_frozen"] == pytest.approx(0.05 + 0.8 * 1000**-0.5, abs=0.01)


def test_the_cheapest_strategy_within_error_of_the_best_may_be_a_reference(cell, thresholds):
    results = [
        cell(SCRATCH, 1000, 0.6, 500, tests=300),
        cell("fine_tune", 1000, 0.884, 421, tests=300),
        cell("embeddings_logistic", 1000, 0.876, 24, tests=300),
        cell("pixels_logistic", 1000, 0.4, 1, tests=300),
    ]
    assert judge(results, thresholds, 10).cheapest == (
        "Logistic regression on the embeddings (87.7 % in 24 s) is the cheapest strategy within error of the "
        "best on 1,000 images, fine-tuning (88.3 % in 421 s)."
    )


def test_where_every_cheaper_strategy_is_worse_the_best_is_the_cheapest(cell, thresholds):
    results = [cell("fine_tune", 1000, 0.9, 100), cell("pixels_logistic", 1000, 0.4, 1)]
    found = judge(results, thresholds, 10).cheapest
    assert found.startswith(
        "Fine-tuning (90.0 % in 100 s) is the best strategy on 1,000 images, and no cheaper one"
    )
