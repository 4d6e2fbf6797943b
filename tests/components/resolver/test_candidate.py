"""The candidate is the best on the validation split."""

import json

import pytest
from tfx.types import standard_artifacts

from headstart.components.resolver.candidate import BestByValidation
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.predictions import FIGURES


@pytest.fixture
def model(tmp_path):
    def make(number, **figures):
        artifact = standard_artifacts.Model()
        artifact.id, artifact.uri = number, str(tmp_path / str(number))
        (tmp_path / str(number)).mkdir()
        if figures:
            figures = {"strategy": "frozen", **figures}
            (tmp_path / str(number) / FIGURES).write_text(json.dumps(figures))
        return artifact

    return make


def chosen(*models):
    (found,) = BestByValidation().resolve_artifacts(None, {"model": list(models)})["model"]
    return found.id


def test_the_highest_validation_accuracy_wins_and_the_lower_loss_decides_between_equals(model):
    worse = model(1, val_accuracy=0.8, val_loss=0.1, test_accuracy=1.0)
    lossy = model(2, val_accuracy=0.9, val_loss=0.5)
    best = model(3, val_accuracy=0.9, val_loss=0.4)
    assert chosen(worse, lossy, best) == 3


def test_a_cell_that_failed_is_passed_over(model):
    assert chosen(model(1), model(2, val_accuracy=0.1, val_loss=9.0)) == 2


def test_where_all_failed_that_is_told(model):
    with pytest.raises(HeadstartError, match="nothing to evaluate"):
        chosen(model(1), model(2))


def test_of_equals_the_simplest_strategy_wins_whatever_the_order(model):
    same = {"val_accuracy": 0.9, "val_loss": 0.4}
    tuned, frozen = model(1, strategy="fine_tune", **same), model(2, strategy="frozen", **same)
    assert chosen(tuned, frozen) == chosen(frozen, tuned) == 2
