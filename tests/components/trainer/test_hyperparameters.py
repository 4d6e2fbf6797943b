"""What a search chose replaces what a Trainer was told."""

import copy

import keras_tuner
import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.components.trainer.hyperparameters import overlaid

CONFIG = {
    "strategy": "fine_tune",
    "fine_tune": {"unfreeze_depth": "auto", "learning_rates": "auto", "dropout": 0.2},
    "train": {"seed": 1},
}


def _overlaid(**values):
    found = keras_tuner.HyperParameters()
    for name, value in values.items():
        found.Fixed(name, value)
    return overlaid(CONFIG, found.get_config())


def test_a_chosen_value_replaces_a_setting_and_the_others_stay():
    found = _overlaid(**{"fine_tune.unfreeze_depth": 2})
    assert found == {**CONFIG, "fine_tune": {**CONFIG["fine_tune"], "unfreeze_depth": 2}}


def test_a_learning_rate_is_the_only_one_and_so_is_not_searched():
    assert _overlaid(**{"fine_tune.learning_rate": 0.003})["fine_tune"]["learning_rates"] == [0.003]


def test_a_fixed_head_reaches_a_strategy_without_a_section_for_it():
    assert _overlaid(**{"head.balanced": True})["head"] == {"balanced": True}


def test_the_custom_config_itself_is_not_changed():
    before = copy.deepcopy(CONFIG)
    _overlaid(**{"fine_tune.unfreeze_depth": 2, "fine_tune.learning_rate": 0.1, "head.balanced": True})
    assert before == CONFIG


def test_without_hyperparameters_nothing_changes():
    assert overlaid(CONFIG, None) == CONFIG


@pytest.mark.parametrize(
    "name", ["scratch.weight_decay", "dropout", "fine_tune.depth", "head.block", "strategy.tune"]
)
def test_a_value_that_the_strategy_does_not_read_is_an_error(name):
    with pytest.raises(HeadstartError, match=f"'{name}', which the strategy fine_tune does not read"):
        _overlaid(**{name: 0.1})


def test_a_head_that_is_named_in_part_is_an_error():
    with pytest.raises(HeadstartError, match=r"no 'head\.penalty', but another part of the head"):
        _overlaid(**{"head.blocks": "all", "head.grid": 1})
