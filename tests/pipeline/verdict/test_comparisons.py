"""Transfer at its best against scratch, against the simple ways, and against the controls."""

import numpy as np
import pytest

from headstart.pipeline.verdict.cells import Cells
from headstart.pipeline.verdict.comparisons import headline
from headstart.pipeline.verdict.findings import SCRATCH, Result
from headstart.pipeline.verdict.judge import judge


def test_scratch_beating_transfer_on_everything_is_negative_transfer_in_so_many_words(verdict, study):
    found = verdict(study({SCRATCH: {1000: (0.9, 100)}, "fine_tune": {1000: (0.8, 20)}}))
    (sentence,) = found.negative
    assert sentence.startswith(
        "Negative transfer: with all 1,000 images scratch is 10.0 points better than fine-tuning, "
        "transfer at its best there (95 %: "
    )
    assert found.comparisons[0].verdict == "worse"
    assert (found.comparisons[0].only_transfer, found.comparisons[0].only_scratch) == (0, 100)
    assert found.sentence.endswith(
        "Negative transfer: scratch is significantly better than transfer at its best, fine-tuning with "
        "1,000 images."
    )
    assert found.saving == "none"


def test_a_strategy_that_loses_beside_one_that_does_not_is_in_the_table_alone(verdict, study):
    table = {
        SCRATCH: {100: (0.8, 10), 1000: (0.9, 100)},
        "frozen": {100: (0.85, 5), 1000: (0.6, 10)},
        "fine_tune": {100: (0.6, 5), 1000: (0.9, 10)},
    }
    found = verdict(study(table))
    assert [(one.strategy, one.images) for one in found.headline] == [("frozen", 100), ("fine_tune", 1000)]
    assert found.negative == ()
    assert {(one.strategy, one.images) for one in found.comparisons if one.verdict == "worse"} == {
        ("fine_tune", 100),
        ("frozen", 1000),
    }


def test_transfer_at_its_best_is_chosen_on_validation_over_the_draws_that_all_have(verdict, cell):
    results = [cell(SCRATCH, 100, 0.8, draw=d) for d in (0, 1)]
    results += [
        cell("frozen", 100, 0.95, draw=d, val_accuracy=v) for d, v in enumerate((0.74, 0.74, 0.8, 0.8, 0.8))
    ]
    results += [cell("fine_tune", 100, 0.6, draw=d, val_accuracy=0.75) for d in (0, 1)]
    (one,) = verdict(results).headline
    assert (one.strategy, one.verdict) == ("fine_tune", "worse")


def test_a_sentence_a_subset_and_its_strategies_named_once(verdict, study):
    lost = {100: (0.5, 5), 1000: (0.6, 10)}
    table = {SCRATCH: {50: (0.5, 10), 100: (0.8, 10), 1000: (0.9, 100)}, "frozen": lost}
    found = verdict(study(table | {"fine_tune": {50: (0.2, 5)}}))
    assert len(found.negative) == 3
    assert all("after Holm's correction for 3 subsets" in sentence for sentence in found.negative)
    assert found.sentence.endswith(
        "transfer at its best, fine-tuning with 50 images; the frozen base with 100 and 1,000 images."
    )


def test_the_simple_ways_are_no_opponents_but_a_finding_where_they_are_better(verdict, study):
    table = {
        SCRATCH: {1000: (0.5, 100)},
        "frozen": {100: (0.7, 5), 1000: (0.8, 10)},
        "embeddings_logistic": {100: (0.72, 1), 1000: (0.85, 2)},
        "textbook": {100: (0.6, 9), 1000: (0.9, 50)},
    }
    found = verdict(study(table))
    assert [one.against for one in found.simple] == ["embeddings_logistic", "textbook"]
    assert [one.verdict for one in found.simple] == ["no difference shown", "worse"]
    assert found.negative == ()
    assert found.findings[0].startswith(
        "With all 1,000 images the textbook recipe is 10.0 points better than the frozen base, "
        "transfer at its best there ("
    )
    assert found.strategy == "frozen"


@pytest.mark.parametrize(
    ("accuracy", "meaning"),
    [
        (0.5, "the head alone does not explain the result."),
        (0.8, "no difference is shown, and the head alone may explain the result."),
        (0.95, "the pretrained weights do not explain the result."),
    ],
)
@pytest.mark.parametrize("control", ["random_blocks", "scratch_blocks"])
def test_a_control_says_whether_the_head_alone_explains_the_result(
    verdict, study, control, accuracy, meaning
):
    table = {SCRATCH: {1000: (0.7, 100)}, "frozen": {1000: (0.8, 10)}, control: {1000: (accuracy, 9)}}
    sentence = verdict(study(table)).findings[-1]
    assert sentence.startswith("Control: with 1,000 images ")
    assert sentence.endswith(meaning)


def test_controls_and_the_textbook_never_stand_for_transfer(verdict, study):
    table = {SCRATCH: {1000: (0.9, 100)}, "textbook": {1000: (0.5, 9)}, "scratch_blocks": {1000: (0.4, 9)}}
    found = verdict(study(table))
    assert (found.strategy, found.comparisons, found.headline, found.negative) == ("", (), (), ())
    assert [row.strategy for row in found.rows] == [SCRATCH, "textbook", "scratch_blocks"]


def test_groups_of_test_images_widen_a_comparison():
    random = np.random.default_rng(0)

    def result(strategy: str, accuracy: float) -> Result:
        correct = np.repeat(random.random(60) < accuracy, 5)
        return Result(strategy, 1.0, 1000, 0, correct, accuracy, accuracy, 9.0, 9.0, 9.0, convex=True)

    results = [result(SCRATCH, 0.9), result("frozen", 0.8)]
    (alone,), (grouped,) = (
        headline(Cells(results, groups), 0.95) for groups in (None, np.repeat(np.arange(60), 5))
    )
    assert alone.difference.value == grouped.difference.value
    assert grouped.difference.high - grouped.difference.low > 1.8 * (
        alone.difference.high - alone.difference.low
    )
    assert grouped.p_value > 10 * alone.p_value


def test_a_study_whose_test_images_come_in_groups_says_so_and_has_wider_intervals(study, thresholds):
    results = study({SCRATCH: {1000: (0.8, 100)}, "frozen": {1000: (0.9, 9)}})
    groups = [f"person {n // 20}" for n in range(1000)]
    alone, grouped = (judge(results, thresholds, 10, groups=g) for g in (None, groups))
    assert any(note.startswith("The test images come in 50 groups") for note in grouped.notes)
    assert not any("groups" in note for note in alone.notes)
    for wide, narrow in zip(grouped.rows, alone.rows):
        assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
