"""The precision of training is chosen by what was measured."""

import numpy as np
import pytest

from headstart.components.shared.base import bases
from headstart.components.trainer import speed
from headstart.components.trainer.model import compile_unfrozen, join, make_head


@pytest.fixture
def model():
    base = bases.load("compact", "random", 16, {})
    made = join(base, make_head(192, 2, 4, 0.5, 0))
    compile_unfrozen(made, base, 2, 0.01)
    return made


VALUES = np.random.default_rng(0).normal(size=(4, 16, 16, 3)).astype("float32")
FASTER, NOT_ENOUGH, SLOWER = (1.0, 1.0, 0.4), (1.0, 1.0, 0.6), (1.0, 1.0, 3.0)


@pytest.mark.parametrize(
    ("seconds", "chosen"), [(FASTER, "bfloat16"), (NOT_ENOUGH, "float32"), (SLOWER, "float32")]
)
def test_bfloat16_has_to_be_twice_as_fast(model, monkeypatch, seconds, chosen):
    left = iter(seconds)
    monkeypatch.setattr(speed, "_seconds", lambda *_: next(left))
    base = model.get_layer("base")
    measured = speed.choose_precision(base, "auto", VALUES, steps=1000)
    assert measured == dict(zip(("float32", "bfloat16"), seconds[1:]))
    assert base.precision == chosen


def test_a_short_training_is_not_measured(model, monkeypatch):
    monkeypatch.setattr(speed, "_seconds", lambda *_: 0.05)
    base = model.get_layer("base")
    assert speed.choose_precision(base, "auto", VALUES, steps=1000) == {}
    assert base.precision == "float32"


def test_measuring_changes_no_training(model):
    before = [variable.numpy() for variable in model.variables]  # the dropout's random state among them
    measured = speed.choose_precision(model.get_layer("base"), "auto", VALUES, steps=10**9)
    assert set(measured) == {"float32", "bfloat16"}
    assert min(measured.values()) > 0
    assert all(np.array_equal(variable, old) for variable, old in zip(model.variables, before))


def test_a_precision_that_is_asked_for_is_taken_unmeasured(model):
    base = model.get_layer("base")
    assert speed.choose_precision(base, "bfloat16", VALUES, steps=10**9) == {}
    assert base.precision == "bfloat16"
