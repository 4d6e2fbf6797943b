"""What the Tuner chose replaces what a Trainer was told, as far as its strategy reads it."""

import copy

import keras_tuner
import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.components.trainer.frozen import HeadSettings
from headstart.components.trainer.hyperparameters import overlay

CONFIG = {
    "fine_tune": {"unfreeze_depth": "auto", "batchnorm": "auto", "learning_rates": "auto", "dropout": 0.2},
    "scratch": {"learning_rates": [0.1, 0.2], "weight_decay": 0.05, "units": 0},
    "train": {"seed": 1},
}
VALUES = {
    "fine_tune.unfreeze_depth": 2,
    "fine_tune.learning_rates": 0.003,
    "scratch.learning_rates": 0.4,
    "scratch.weight_decay": 0.01,
    "head.blocks": "all",
    "head.grid": 4,
    "head.penalty": 10.0,
    "head.balanced": True,
}


def _overlaid(strategy, **values):
    found = keras_tuner.HyperParameters()
    for name, value in (values or VALUES).items():
        found.Fixed(name, value)
    return overlay({**CONFIG, "strategy": strategy}, found.get_config())


def test_a_single_rate_is_not_searched_and_what_is_not_named_stays():
    assert _overlaid("scratch")["scratch"] == {"learning_rates": [0.4], "weight_decay": 0.01, "units": 0}
    fine_tune = _overlaid("fine_tune")["fine_tune"]
    assert fine_tune == {**CONFIG["fine_tune"], "unfreeze_depth": 2, "learning_rates": [0.003]}
    assert _overlaid("fine_tune", **{"fine_tune.learning_rates": "auto"})["fine_tune"] == CONFIG["fine_tune"]


@pytest.mark.parametrize("strategy", ["frozen", "fine_tune"])
def test_the_head_is_for_the_strategies_that_fit_one_on_the_pretrained_base(strategy):
    assert HeadSettings.of(_overlaid(strategy)) == HeadSettings(("all", 4, 10.0), balanced=True)


@pytest.mark.parametrize("strategy", ["random_blocks", "textbook", "gradual"])
def test_strategies_that_the_tuner_did_not_search_keep_their_settings(strategy):
    assert _overlaid(strategy) == {**CONFIG, "strategy": strategy}


def test_the_custom_config_itself_is_not_changed():
    before = copy.deepcopy(CONFIG)
    _overlaid("fine_tune")
    assert before == CONFIG
    assert overlay(CONFIG, None) is CONFIG


def test_balanced_alone_leaves_the_choice_of_the_head_to_the_cell():
    assert HeadSettings.of(_overlaid("frozen", **{"head.balanced": True})) == HeadSettings(balanced=True)


def test_a_name_that_no_trainer_reads_is_an_error():
    with pytest.raises(HeadstartError, match=r"have fine_tune\.depth, which no Trainer reads"):
        _overlaid("scratch", **{"fine_tune.depth": 2})


def test_a_head_that_is_named_in_part_is_an_error():
    with pytest.raises(HeadstartError, match=r"lack head\.penalty"):
        _overlaid("frozen", **{"head.blocks": "all", "head.grid": 1})
