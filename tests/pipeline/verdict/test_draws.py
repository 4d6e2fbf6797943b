"""What draws differ by: measured, borrowed, assumed; and runs that collapsed."""

import numpy as np
import pytest

from headstart.pipeline.verdict.cells import Cells
from headstart.pipeline.verdict.findings import SCRATCH
from headstart.pipeline.verdict.noise import Spread, combine, spread
from headstart.pipeline.verdict.statistics import Noise, accuracy
from headstart.pipeline.verdict.units import Units

EACH = Units()
PRIOR = Spread(0.0, 0.0, 1e-9)


def clause(verdict, side, name):
    return next(one for one in verdict.clauses if (one.side, one.name) == (side, name))


def test_the_variance_is_that_of_the_two_way_layout():
    table = np.random.default_rng(0).random((50, 4)) < [0.5, 0.6, 0.8, 0.9]
    images, draws = table.shape
    total = table.mean()
    by_image, by_draw = table.mean(axis=1), table.mean(axis=0)
    image = draws * ((by_image - total) ** 2).sum() / images  # the population's, as Wilson's
    draw = images * ((by_draw - total) ** 2).sum() / (draws - 1)
    rest = ((table - by_image[:, None] - by_draw + total) ** 2).sum() / ((images - 1) * (draws - 1))
    expected = (image + draw - rest) / (images * draws)
    noise = combine([spread(table, EACH)], [], PRIOR)
    assert accuracy(table, noise).variance == pytest.approx(expected)


def test_what_a_group_answers_alike_in_one_draw_is_chance():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(400), 5)
    table = np.repeat(random.random((400, 2)) < 0.8, 5, axis=0)
    assert spread(table, Units(groups)).chance == pytest.approx(5 * spread(table, EACH).chance, rel=0.01)


def test_one_draw_has_no_spread():
    assert spread(np.ones((10, 1), bool), EACH) is None


def test_a_negative_estimate_counts_as_no_noise():
    assert combine([Spread(-0.01, 0.01, 2)], [], PRIOR).variance == 0


def test_few_draws_leave_few_degrees_of_freedom():
    def freedom(noise: Noise) -> float:
        return 2 * noise.variance**2 / noise.error

    own, prior = Spread(0.001, 0.0, 1), Spread(0.001, 0.0, 4)
    assert freedom(combine([own], [], prior)) == pytest.approx(5)
    assert freedom(combine([own], [Spread(0.001, 0.0, 9)], prior)) > 5
    assert freedom(combine([Spread(0.001, 0.001, 1)], [], prior)) < 5  # the chance of answers blurs it


def test_spreads_of_others_count_for_two_degrees_of_freedom_at_most():
    prior, many = Spread(0.001, 0.0, 4), [Spread(0.004, 0.0, 10)] * 5
    assert combine([], many, prior).variance == pytest.approx((2 * 0.004 + 4 * 0.001) / 6)


def test_a_row_of_one_draw_has_the_noise_that_its_draws_have_on_fewer_images(verdict, cell):
    calm = [cell("frozen", 500, 0.8, draw=d) for d in range(3)]
    wild = [cell("frozen", 500, a, draw=d) for d, a in enumerate((0.76, 0.8, 0.84))]
    single = cell("frozen", 1000, 0.8)
    narrow, wide = (verdict([*draws, single]) for draws in (calm, wild))
    for found in (narrow, wide):
        assert [row.spread for row in found.rows] == ["own", "borrowed"]
    assert wide.rows[-1].high - wide.rows[-1].low > 1.3 * (narrow.rows[-1].high - narrow.rows[-1].low)
    one, other = (clause(found, "bad", "accuracy") for found in (narrow, wide))
    assert other.high - other.low > 1.3 * (one.high - one.low)


def test_a_strategy_of_one_draw_borrows_from_another_that_trains(cell):
    draws = [cell(SCRATCH, 500, a, draw=d) for d, a in enumerate((0.72, 0.78, 0.75))]
    cells = Cells([*draws, cell("fine_tune", 500, 0.8), cell("frozen", 500, 0.8, convex=True)])
    assert cells.spreads.origin("fine_tune", 500) == "borrowed"


def test_a_strategy_with_seeds_does_not_borrow_from_a_convex_fit(cell):
    draws = [cell("frozen", 100, a, draw=d, convex=True) for d, a in enumerate((0.8, 0.81))]
    cells = Cells([*draws, cell(SCRATCH, 1000, 0.9), cell(SCRATCH, 100, 0.7)])
    assert cells.spreads.origin(SCRATCH, 1000) == "assumed"


def test_one_draw_everywhere_is_judged_by_an_assumed_spread_and_a_note(verdict, cell):
    results = [cell(SCRATCH, 1000, 0.8, 100), cell("fine_tune", 100, 0.9, 40, tests=1000)]
    found = verdict(results)
    assert clause(found, "good", "accuracy").state == "undecided"
    assert any(note.startswith("The spread of the draws is assumed") for note in found.notes)
    assert {row.spread for row in found.rows} == {"assumed"}


def test_one_draw_everywhere_proves_no_saving_and_leaves_the_images_needed_open(verdict, cell):
    results = [cell(SCRATCH, 1000, 0.5, 100), *(cell("frozen", n, 0.95, 5) for n in (100, 1000))]
    found = verdict(results, rate_images_needed=True)
    assert found.saving == "by point estimate"
    assert clause(found, "good", "data").state == "undecided"
    twice = verdict([*results, cell("frozen", 100, 0.95, 5, draw=1)], rate_images_needed=True)
    assert (twice.rating, twice.saving) == ("good", "proven")


def test_a_convex_fit_on_all_images_has_no_noise_of_draws(cell):
    draws = [cell("frozen", 500, a, draw=d, convex=True) for d, a in enumerate((0.7, 0.75))]
    cells = Cells([*draws, cell("frozen", 1000, 0.8, convex=True)])
    assert cells.spreads.origin("frozen", 1000) == "none"
    assert cells.spreads.noise("frozen", 1000) == Noise(0.0, 0.0)
    assert cells.spreads.noise("frozen", 500).variance > 0


def test_a_strategy_with_more_draws_is_paired_over_those_that_both_have(cell):
    frozen = [cell("frozen", 100, a, draw=d) for d, a in enumerate((0.8, 0.8, 0.5, 0.5, 0.5))]
    scratch = [cell(SCRATCH, 100, 0.7, draw=d) for d in range(2)]
    cells = Cells([*frozen, *scratch, cell("frozen", 1000, 0.9), cell(SCRATCH, 1000, 0.9)])
    assert cells.difference("frozen", 100, SCRATCH, 100).value == pytest.approx(0.1)


def test_a_run_far_below_the_other_draws_on_validation_is_told_and_left_out(verdict, cell):
    sound = [cell("fine_tune", 100, 0.8, draw=d) for d in range(2)]
    others = [cell(SCRATCH, 100, 0.6, draw=d) for d in range(3)] + [cell("fine_tune", 1000, 0.85)]
    calm, found = verdict([*sound, *others]), verdict([*sound, cell("fine_tune", 100, 0.6, draw=2), *others])
    assert calm.collapsed == ()
    (one,) = found.collapsed
    assert (one.strategy, one.images, one.draw, one.lost) == ("fine_tune", 100, 2, pytest.approx(0.2))
    assert one.sentence in found.notes
    assert one.sentence.startswith(
        "Draw 3 of fine-tuning with 100 images reaches 60.0 % on validation, another draw 80.0 %"
    )
    few, everything = found.rows[1:]
    assert (few.draws, few.accuracy) == (2, 0.8)
    assert everything.high >= calm.rows[2].high + 0.1  # a single run of this study may have collapsed as well
    assert everything.low == calm.rows[2].low


def test_the_test_split_leaves_no_run_out(verdict, cell):
    draws = [cell("fine_tune", 100, a, draw=d, val_accuracy=0.8) for d, a in enumerate((0.8, 0.8, 0.6))]
    assert verdict(draws).collapsed == ()


def test_draws_that_differ_as_much_everywhere_have_not_collapsed(verdict, cell):
    results = [
        cell(strategy, images, a, draw=d, val_images=50)
        for strategy in (SCRATCH, "fine_tune", "gradual")
        for images in (50, 100)
        for d, a in enumerate((0.6, 0.68, 0.72))
    ]
    assert verdict(results).collapsed == ()


def test_a_single_run_far_below_fewer_images_may_have_collapsed_and_its_interval_says_so(verdict, cell):
    draws = [cell("fine_tune", 100, 0.9, draw=d) for d in range(3)]
    found = verdict([*draws, cell("fine_tune", 1000, 0.75)])
    (one,) = found.collapsed
    assert (one.images, one.draw, one.lost) == (1000, 0, pytest.approx(0.15))
    assert found.rows[1].high > 0.9
    assert verdict([*draws, cell("fine_tune", 1000, 0.89)]).collapsed == ()


def test_transfer_is_called_better_only_if_a_collapsed_scratch_cannot_explain_it(verdict, cell):
    draws = [cell(SCRATCH, 100, a, draw=d) for d, a in enumerate((0.5, 0.5, 0.3))]
    single = [cell(SCRATCH, 1000, 0.8), cell("frozen", 1000, 0.95, convex=True)]
    steady, shaky = verdict([*draws[:2], *single]), verdict([*draws, *single])
    assert steady.comparisons[-1].verdict == "better"
    assert shaky.comparisons[-1].verdict == "no difference shown"


def test_a_run_that_fails_on_few_images_casts_no_doubt_on_one_with_all_of_them(verdict, cell):
    draws = [cell(SCRATCH, 50, a, draw=d) for d, a in enumerate((0.5, 0.5, 0.2))]
    found = verdict([*draws, cell(SCRATCH, 1000, 0.8), cell("frozen", 1000, 0.95, convex=True)])
    assert len(found.collapsed) == 1
    assert found.comparisons[-1].verdict == "better"
