"""The verdict on small invented studies whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest

from headstart.pipeline.verdict.cells import Cells
from headstart.pipeline.verdict.findings import SCRATCH
from headstart.pipeline.verdict.judge import judge


def states(verdict, side="good"):
    return {clause.name: clause.state for clause in verdict.clauses if clause.side == side}


def good_study(study):
    return study(
        {
            SCRATCH: {10: (0.2, 20), 100: (0.5, 50), 1000: (0.8, 120)},
            "fine_tune": {10: (0.7, 20), 100: (0.9, 40), 1000: (0.93, 80)},
        }
    )


def test_90_percent_on_a_tenth_of_the_images_in_a_third_of_the_time_is_good(verdict, study):
    found = verdict(good_study(study))
    assert found.rating == "good"
    assert found.saving == "proven"
    assert states(found) == {"accuracy": "held", "time": "held"}
    assert set(states(found, "bad").values()) == {"failed"}
    assert found.sentence == (
        "Good: with 100 images (10 %) fine-tuning reaches 90.0 % on average in 40 s, scratch with all 1,000 "
        "reaches 80.0 % in 120 s: a proven saving of 90 % of the images and 67 % of the time. To be as good "
        "as scratch on all 1,000, within 2.0 points, fine-tuning needs 26 images, 3 % (21 to 31)."
    )
    assert found.measures["time_saved"] == pytest.approx(2 / 3)
    assert found.measures["accuracy_gain"] == pytest.approx(0.13)
    assert found.measures["accuracy_gain_small"] == pytest.approx(0.4)
    assert found.measures["jump_start"] == pytest.approx(0.5)
    # 0.78 lies 0.4 of the way from 0.7 at 10 to 0.9 at 100 images, in the logarithm.
    assert found.measures["images_needed"] == pytest.approx(10 * 10**0.4)
    assert found.measures["data_saved"] == pytest.approx(1 - 10 * 10**0.4 / 1000)
    assert found.measures["images_needed_low"] < 10 * 10**0.4 < found.measures["images_needed_high"]


def test_90_percent_on_a_fifth_of_the_images_in_half_the_time_is_told_as_a_saving(verdict, study):
    found = verdict(study({SCRATCH: {1000: (0.9, 100)}, "fine_tune": {200: (0.9, 50), 1000: (0.92, 90)}}))
    assert found.rating == "mixed"
    assert found.saving == "by point estimate"
    assert found.measures["time_saved"] == pytest.approx(0.5)
    assert found.measures["data_saved"] == pytest.approx(0.8)
    assert found.sentence.startswith(
        "Mixed, yet a saving by point estimate: with 200 images (20 %) fine-tuning reaches 90.0 %"
    )
    assert "by point estimate, a saving of 80 % of the images and 50 % of the time." in found.sentence


def test_a_saving_is_proven_where_all_of_its_range_is_one(verdict, study):
    found = verdict(study({SCRATCH: {1000: (0.85, 100)}, "fine_tune": {200: (0.93, 50), 1000: (0.94, 90)}}))
    assert (found.rating, found.saving) == ("mixed", "proven")
    assert found.sentence.startswith("Mixed, yet a proven saving: with 200 images (20 %)")


def test_a_saving_is_not_proven_on_fewer_images_where_it_is_not_on_more(verdict, study):
    subsets = {50: (0.95, 5), 200: (0.8, 50), 1000: (0.94, 90)}
    found = verdict(study({SCRATCH: {1000: (0.85, 100)}, "fine_tune": subsets}))
    assert found.saving == "by point estimate"


def test_a_fifth_of_the_images_is_too_much_where_a_tenth_is_tried_and_falls_short(verdict, study):
    transfer = {100: (0.6, 40), 200: (0.9, 50), 1000: (0.92, 90)}
    table = {SCRATCH: {1000: (0.9, 100)}, "fine_tune": transfer}
    found = verdict(study(table), margin=0.0, rate_images_needed=True)
    assert (found.rating, found.saving) == ("mixed", "by point estimate")
    assert states(found) == {"accuracy": "failed", "data": "failed", "time": "held"}
    assert found.measures["time_saved"] == pytest.approx(0.5)
    assert found.measures["data_saved"] == pytest.approx(0.8)


def test_the_images_needed_enter_the_rating_only_where_that_is_asked_for(verdict, study):
    table = {SCRATCH: {1000: (0.97, 100)}, "frozen": {100: (0.92, 5), 1000: (0.96, 10)}}
    found, rated = verdict(study(table)), verdict(study(table), rate_images_needed=True)
    assert (found.rating, rated.rating) == ("good", "mixed")
    assert states(rated)["data"] == "failed"
    needed = (
        "To be as good as scratch on all 1,000, within 2.0 points, the frozen base needs 563 images, 56 % "
        "(174 to more than 1,000)."
    )
    assert needed in found.sentence and found.findings == ()
    assert needed not in rated.sentence and rated.findings == (needed,)


def test_curves_that_cross_are_told_from_both_sides(verdict, study):
    found = verdict(
        study(
            {
                SCRATCH: {100: (0.3, 30), 1000: (0.95, 100)},
                "frozen": {100: (0.7, 5), 1000: (0.8, 10)},
            }
        )
    )
    assert [one.verdict for one in found.comparisons] == ["better", "worse"]
    assert found.measures["jump_start"] == pytest.approx(0.4)
    assert found.measures["accuracy_gain"] == pytest.approx(-0.15)
    assert found.measures["asymptotic_advantage"] == pytest.approx(-0.15)
    assert found.rating == "bad"
    assert found.saving == "none"


def test_a_subset_that_is_never_enough_is_bad_by_data(verdict, study):
    found = verdict(study({SCRATCH: {1000: (0.9, 100)}, "frozen": {100: (0.7, 5), 1000: (0.78, 10)}}))
    assert states(found, "bad") == {"accuracy": "failed", "data": "held", "time": "failed"}
    assert found.rating == "bad"
    assert "Bad by the images needed to match scratch (not reached with up to 1,000 images)" in found.sentence
    assert "images_needed" not in found.measures
    assert "data_saved" not in found.measures


def test_transfer_below_70_percent_on_everything_is_bad(verdict, study):
    found = verdict(study({SCRATCH: {1000: (0.5, 100)}, "frozen": {100: (0.5, 5), 1000: (0.6, 10)}}))
    assert states(found, "bad")["accuracy"] == "held"
    assert found.rating == "bad"
    assert found.sentence.startswith("Bad, yet a saving by point estimate: ")


def test_no_time_saved_is_bad_at_exactly_none(verdict, study):
    found = verdict(study({SCRATCH: {1000: (0.8, 100)}, "fine_tune": {100: (0.9, 100), 1000: (0.9, 150)}}))
    assert states(found, "bad")["time"] == "held"
    assert (found.rating, found.saving) == ("bad", "none")


def test_exactly_half_the_time_is_enough(verdict, study):
    found = verdict(study({SCRATCH: {1000: (0.8, 100)}, "fine_tune": {100: (0.95, 50), 1000: (0.95, 90)}}))
    assert states(found)["time"] == "held"


def test_time_that_straddles_its_threshold_is_undecided(verdict, cell):
    results = [
        cell(SCRATCH, 1000, 0.8, 100),
        cell("fine_tune", 1000, 0.95, 90),
        *(cell("fine_tune", 100, 0.95, s, draw=d) for d, s in enumerate((40, 45, 51))),
    ]
    found = verdict(results)
    assert states(found)["time"] == "undecided"
    assert found.rating == "mixed"
    assert found.saving == "proven"
    assert any("More draws, or a quieter machine" in note for note in found.notes)


def test_scratchs_single_run_is_as_noisy_as_its_draws_on_fewer_images(verdict, cell):
    results = [
        cell(SCRATCH, 1000, 0.8, 100),
        *(cell(SCRATCH, 100, 0.5, s, draw=d) for d, s in enumerate((8, 10, 12))),
        *(cell("fine_tune", 100, 0.95, 45, draw=d) for d in range(3)),
    ]
    clause = next(c for c in verdict(results).clauses if (c.side, c.name) == ("good", "time"))
    assert (clause.value, clause.low, clause.high) == pytest.approx((0.55, 1 - 45 / 80, 1 - 45 / 120))
    assert clause.state == "undecided"


def test_an_accuracy_bound_on_the_threshold_is_not_above_it(verdict, study, thresholds):
    results = good_study(study)
    bound = Cells(results).accuracy("fine_tune", 100).interval(0.95).low
    asked = thresholds.good.model_copy(update={"min_accuracy": bound})
    assert states(verdict(results, good=asked))["accuracy"] == "undecided"
    easier = thresholds.good.model_copy(update={"min_accuracy": bound - 1e-6})
    assert states(verdict(results, good=easier))["accuracy"] == "held"


def test_an_undecided_accuracy_tells_how_many_test_images_would_decide(verdict, study):
    table = {SCRATCH: {1000: (0.8, 120)}, "fine_tune": {100: (0.89, 40), 1000: (0.92, 80)}}
    found = verdict(study(table, tests=100))
    assert states(found)["accuracy"] == "undecided"
    assert any("About 210 test images would decide it, if the figure stays." in note for note in found.notes)
    assert states(verdict(study(table, tests=300)))["accuracy"] == "held"
    nearer = verdict(study(table | {"fine_tune": {100: (0.86, 40), 1000: (0.92, 80)}}, tests=100))
    assert any("More draws would decide it" in note for note in nearer.notes)


def test_the_strategy_is_chosen_on_validation_never_on_test(verdict, cell):
    results = [
        cell(SCRATCH, 1000, 0.8),
        cell("frozen", 1000, 0.95, val_accuracy=0.85),
        cell("fine_tune", 1000, 0.85, val_accuracy=0.9),
    ]
    assert verdict(results).strategy == "fine_tune"


def test_strategies_are_compared_on_the_cells_that_all_of_them_have(verdict, cell):
    results = [
        cell("frozen", 100, 0.5),
        cell("frozen", 1000, 0.9),
        cell("fine_tune", 1000, 0.8),
    ]
    assert verdict(results).strategy == "frozen"


def test_a_tie_on_validation_goes_to_the_faster_strategy(verdict, cell):
    results = [
        cell("frozen", 1000, 0.9, 50),
        cell("fine_tune", 1000, 0.9, 40),
        cell("gradual", 1000, 0.9, 60),
    ]
    assert verdict(results).strategy == "fine_tune"


def test_equal_strategies_are_not_called_different(verdict, study):
    subsets = {100: (0.7, 10), 1000: (0.9, 20)}
    found = verdict(study({strategy: subsets for strategy in (SCRATCH, "frozen", "fine_tune", "gradual")}))
    assert {one.verdict for one in found.comparisons} == {"no difference shown"}
    assert {one.difference.value for one in found.comparisons} == {0.0}
    assert found.negative == ()


def test_an_accuracy_of_1_everywhere_is_judged(verdict, study):
    subsets = {100: (1.0, 10), 1000: (1.0, 30)}
    found = verdict(study({SCRATCH: subsets, "frozen": subsets}))
    assert found.rating == "good"
    assert all(row.low < 1 for row in found.rows)


def test_a_study_without_scratch_is_mixed_and_says_what_is_missing(verdict, study):
    found = verdict(study({"frozen": {100: (0.9, 5), 1000: (0.92, 10)}}))
    assert found.rating == "mixed"
    assert states(found) == {"accuracy": "held", "time": "undecided"}
    assert any(note.startswith("Scratch has no result:") for note in found.notes)
    assert "time_saved" not in found.measures
    told = "Mixed: with 100 images (10 %) the frozen base reaches 90.0 % on average in 5.0 s."
    assert found.sentence.startswith(told)


def test_where_the_study_has_a_part_of_the_images_its_shares_are_of_that_part(verdict, study):
    table = {
        SCRATCH: {50: (0.3, 50), 100: (0.6, 100)},
        "frozen": {50: (0.95, 5), 100: (0.96, 10)},
    }
    found = verdict(study(table))
    assert states(found)["accuracy"] == "undecided"  # 10 % would be 10 images
    assert found.rating == "mixed"
    assert found.sentence.startswith("Mixed, yet a proven saving: with 50 images (50 %)")
    assert found.measures["data_saved"] == pytest.approx(0.5)
    assert any("The largest subset has 100 of 1,000 images" in note for note in found.notes)


def test_rows_have_the_confidence_that_was_asked_for(cell, thresholds):
    alone = cell("frozen", 1000, 0.9, tests=300, convex=True)
    for confidence, z in ((0.8, 1.2816), (0.95, 1.96)):
        found = judge([alone], thresholds.model_copy(update={"confidence": confidence}), 10)
        assert found.confidence == confidence
        (row,) = found.rows  # Wilson's, as another draw of a convex fit on all images is the same
        assert row.high - row.low == pytest.approx(2 * z / (300 + z**2) * (27 + z**2 / 4) ** 0.5, abs=1e-4)


def test_without_transfer_nothing_is_judged(verdict, study):
    found = verdict(study({SCRATCH: {1000: (0.8, 10)}, "pixels_svm": {1000: (0.7, 1)}}))
    assert (found.rating, found.saving, found.strategy) == ("mixed", "none", "")
    assert found.sentence == "Not judged: no transfer strategy has a result."
    assert len(found.rows) == 2


def test_a_study_in_which_every_cell_failed_is_judged_all_the_same(verdict):
    found = verdict([])
    assert (found.rating, found.rows, found.cheapest) == ("mixed", (), "")


def test_missing_draws_and_subsets_are_done_without(verdict, study):
    every = good_study(study)
    for left_out in range(len(every)):
        found = verdict(every[:left_out] + every[left_out + 1 :])
        assert found.rating in ("good", "mixed")
    some = [one for one in every if (one.strategy, one.draw) not in ((SCRATCH, 0), ("fine_tune", 1))]
    assert verdict(some).comparisons[0].images == 10


def test_a_tenth_rounds_as_the_subsets_do(verdict, cell):
    results = [replace(cell(SCRATCH, 1000, 0.8), images=1257, fraction=1.0)]
    results += [replace(cell("frozen", 100, 0.95, 20, draw=d), images=126, fraction=0.1) for d in range(3)]
    found = verdict(results)
    assert found.rating == "good"
    assert found.measures["transfer_accuracy_small"] == pytest.approx(0.95)


def test_test_images_may_be_few(verdict, study):
    assert verdict(study({SCRATCH: {1000: (0.5, 9)}, "frozen": {1000: (1.0, 3)}}, tests=2)).rating == "mixed"


def test_seconds_never_change_what_is_said_of_quality(verdict, study):
    slow, fast = (
        verdict(study({SCRATCH: {1000: (0.9, 100)}, "frozen": {100: (0.8, s), 1000: (0.85, s)}}))
        for s in (1, 99)
    )
    assert [one.difference for one in slow.comparisons] == [one.difference for one in fast.comparisons]
    assert slow.negative == fast.negative
    accuracies = [[c.state for c in one.clauses if c.name == "accuracy"] for one in (slow, fast)]
    assert accuracies[0] == accuracies[1]


def test_all_measures_are_finite_numbers(verdict, study):
    for value in verdict(good_study(study)).measures.values():
        assert isinstance(value, float)
        assert np.isfinite(value)
