"""What holds for every strategy; one that is added is tested here without another line."""

from pathlib import Path

import pytest

from headstart.components.shared.strategies import STRATEGIES, names
from headstart.pipeline.config import file
from headstart.pipeline.config.file import Config
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.report import palette
from headstart.pipeline.study import price
from headstart.pipeline.study.plan import PlannedCell
from headstart.pipeline.verdict import words


def test_names_colours_and_markers_are_all_different():
    for values in ([one.name for one in STRATEGIES], [one.marker for one in STRATEGIES]):
        assert len(set(values)) == len(STRATEGIES)
    assert len({palette.light(one.name) for one in STRATEGIES}) == len(STRATEGIES)


def test_roles_divide_them():
    roles = ("transfer", "baseline", "simple", "control")
    assert sorted(name for role in roles for name in names(role)) == sorted(names())
    assert names("baseline") == ("scratch",)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda one: one.name)
def test_it_reads_sections_that_there_are_and_has_a_way_to_train(strategy):
    assert set(strategy.sections) <= set(Config.model_fields)
    assert words.name(strategy.name) == strategy.sentence
    assert (strategy.store == "none") == (strategy.random_weights and strategy.cost == "network")


@pytest.mark.parametrize("name", names())
def test_its_seconds_can_be_predicted(name):
    params = file.load(Path(__file__).parents[3] / "params.yaml")
    rows = [{"label": str(row % 2), "split": ("train", "train", "validation")[row % 3]} for row in range(300)]
    cell = PlannedCell(name, Subset(1.0, 200, None, 0), promotable=True)
    training, search = price.of_cell(params, cell, rows, price.Costs(step=0.1, trace=1.0, forward=0.01))
    assert 0 < training < 3600 and 0 <= search < 3600
