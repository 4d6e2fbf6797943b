"""What a study will take, and what fits a budget."""

import pytest

from headstart.pipeline.config import file as config
from headstart.pipeline.study import price
from headstart.pipeline.study.plan import cells_of

COSTS = price.Costs(step=0.1, trace=5.0, forward=0.002)
ROWS = [
    {"label": str(number % 2), "split": split}
    for split, count in {"train": 1000, "validation": 100, "test": 100}.items()
    for number in range(count)
]


@pytest.fixture
def params():
    return config.load()


def _design(params, **changes):
    full = {"strategies": ("frozen", "fine_tune", "scratch"), "fractions": (0.1, 0.5, 1.0), "draws": 2}
    return params.study.full.model_copy(update={**full, **changes})


def _of(params, strategy, design=None):
    found = price.prices(params, cells_of(design or _design(params), ROWS), ROWS, COSTS)
    return next(one for one in found if one.strategy == strategy)


def test_the_baseline_takes_its_steps_and_its_search(params):
    one = _of(params, "scratch", _design(params, fractions=(1.0,)))
    assert one.cells == 1
    steps = max(params.scratch.epochs * (1000 // 32), params.scratch.steps)
    assert steps * 0.1 < one.training < 2 * steps * 0.1
    tried = len(params.scratch.learning_rates) * params.scratch.search_steps * 0.1
    assert tried < one.search < 2 * tried


def test_a_slower_machine_makes_what_trains_dearer_and_the_frozen_head_no_more(params):
    slow = price.Costs(step=1.0, trace=5.0, forward=0.002)
    planned = cells_of(_design(params), ROWS)
    quick, late = (
        {one.strategy: one.total for one in price.prices(params, planned, ROWS, costs)}
        for costs in (COSTS, slow)
    )
    assert late["scratch"] > 5 * quick["scratch"]
    assert late["frozen"] == quick["frozen"]


def test_a_study_that_fits_is_left_as_it_is(params):
    design = _design(params)
    fitted = price.fit_budget(params, design, ROWS, COSTS, minutes=1000, spent=0)
    assert (fitted.design, fitted.config, fitted.left_out, fitted.fits) == (design, params, (), True)


def test_draws_go_first_then_subsets_then_the_search_of_both_sides_then_the_dearest_strategy(params):
    design = _design(params)
    found, minutes = [], price.total(params, design, ROWS, COSTS) / 60
    while minutes > 0.5:
        fitted = price.fit_budget(params, design, ROWS, COSTS, minutes, spent=0)
        if fitted.left_out not in found:
            found.append(fitted.left_out)
        if not fitted.fits:
            break
        assert price.total(fitted.config, fitted.design, ROWS, COSTS) <= 60 * minutes
        minutes -= 0.05
    last = found[-1]
    assert "1 of 2 draws of the trained strategies" in last[0]
    assert last[1] == "the subsets of 50 %"
    assert "the baseline's and fine-tuning's alike" in last[2]
    assert last[3:5] == ("the strategy scratch", "the strategy fine_tune")
    assert last[5:] in ((), ("4 of 5 draws of the frozen head",))
    assert all(one == last[: len(one)] for one in found)


def test_what_is_gone_already_counts_and_the_frozen_head_is_never_given_up(params):
    design = _design(params)
    minutes = price.total(params, design, ROWS, COSTS) / 60
    assert price.fit_budget(params, design, ROWS, COSTS, minutes, spent=1).left_out
    fitted = price.fit_budget(params, design, ROWS, COSTS, 0.01, spent=0)
    assert not fitted.fits
    assert fitted.design.strategies == ("frozen",)
    assert fitted.design.frozen_draws == 1
    assert fitted.config.scratch.search_steps == params.scratch.search_steps // 2


def test_controls_go_before_the_strategies_that_make_a_model_and_one_of_those_stays(params):
    design = _design(params, strategies=("fine_tune", "random_blocks", "scratch"))
    fitted = price.fit_budget(params, design, ROWS, COSTS, 0.01, spent=0)
    assert fitted.design.strategies == ("fine_tune",)
    assert fitted.left_out.index("the strategy random_blocks") < fitted.left_out.index("the strategy scratch")


def test_subsets_by_images_a_class_are_given_up_too(params):
    design = _design(params, images_per_class=(5, 20))
    fitted = price.fit_budget(params, design, ROWS, COSTS, 0.01, spent=0)
    assert fitted.design.images_per_class == ()
    assert "the subsets of 5, 20 images a class" in fitted.left_out


def test_the_references_are_in_the_price(params):
    with_them, without = (_design(params, references=one) for one in (True, False))
    assert price.total(params, with_them, ROWS, COSTS) > price.total(params, without, ROWS, COSTS)
