import io
import os

import pytest
from rich.console import Console

from headstart.pipeline.data.params_update import adopt

PARAMS = """\
dataset: demo   # the name

base:
  architecture: compact
  weights: letters # where from
  image_size: 32
  options: {alpha: 0.35}
augment: # while fine-tuning
  flip: false
prepare:
  fractions: [0.01, 1.0]
textbook:
  learning_rate: 0.0001
scratch:
  epochs: 20
  steps: 700
  learning_rates: [0.1, 0.2]
  search_steps: 100
study:
  strategies: [frozen, scratch]
"""
QUIET = Console(file=io.StringIO())


@pytest.fixture
def params(tmp_path):
    (tmp_path / "params.yaml").write_text(PARAMS)
    return tmp_path / "params.yaml"


def test_the_demos_base_gives_way_to_one_for_photos(params):
    changed = adopt(params, "photos", QUIET)
    assert changed["base.weights"] == ("letters", "imagenet") and len(changed) == 12
    assert (
        params.read_text()
        == """\
dataset: photos # the name

base:
  architecture: MobileNetV2
  weights: imagenet # where from
  image_size: 224
  options: {}
augment: # while fine-tuning
  flip: true
prepare:
  fractions: [0.01, 1.0]
textbook:
  learning_rate: 0.00001
scratch:
  epochs: 30
  steps: 1000
  learning_rates: [0.02, 0.05, 0.1]
  search_steps: 300
study:
  strategies: [frozen, fine_tune, textbook, random_blocks, scratch]
"""
    )


def test_a_base_that_the_user_chose_stays(params):
    params.write_text(PARAMS.replace("letters", "random"))
    assert list(adopt(params, "photos", QUIET)) == ["dataset"]
    assert params.read_text() == PARAMS.replace("letters", "random").replace("demo  ", "photos")


def test_each_change_is_told_with_the_old_value(params):
    out = io.StringIO()
    adopt(params, "photos", Console(file=out))
    assert "base.options: {alpha: 0.35} → {}" in out.getvalue() and "flip: false → true" in out.getvalue()
    assert "textbook.learning_rate: 0.0001 → 0.00001" in out.getvalue()
    assert "study.strategies: [frozen, scratch] → [frozen, fine_tune," in out.getvalue()


def test_params_that_need_no_change_are_not_written(params):
    adopt(params, "photos", QUIET)
    number = os.stat(params).st_ino
    assert adopt(params, "photos", QUIET) == {} and os.stat(params).st_ino == number
