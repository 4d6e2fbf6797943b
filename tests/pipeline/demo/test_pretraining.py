"""Pretraining: a small run writes what it says, and the kept base knows more than a random one."""

import json
from pathlib import Path

import numpy as np
import pytest

from headstart.components.shared.base.compact import compact, preprocess_input
from headstart.pipeline.config.images import Pretrain
from headstart.pipeline.demo import digits
from headstart.pipeline.demo.pretraining import pretrain
from headstart.pipeline.project import LETTERS

ROOT = Path(__file__).parents[3]
SMALL = Pretrain(seed=3, scenes=200, epochs=1, batch_size=50, learning_rate=0.003, weight_decay=0.0001)


def test_a_small_run_saves_the_base_and_a_card_and_nothing_else(tmp_path):
    out = tmp_path / "bases" / "small.weights.h5"
    card = pretrain(SMALL, out=out)
    assert sorted(path.name for path in out.parent.iterdir()) == ["small.json", "small.weights.h5"]
    assert json.loads((out.parent / "small.json").read_text(encoding="utf-8")) == card
    assert card["settings"]["scenes"] == 200 and 0 <= card["val_accuracy"] <= 1
    moving_mean = compact(weights=out).get_layer("block6_bn").moving_mean
    assert np.abs(np.asarray(moving_mean)).max() > 0  # a fresh one is 0


def test_letters_have_one_size(tmp_path):
    with pytest.raises(ValueError, match="drawn at 32"):
        pretrain(SMALL, out=tmp_path / "small.weights.h5", image_size=64)


def _probe(base) -> float:
    """Accuracy on 800 digits of logistic regression on 400 digits' pooled features."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    images, labels = digits.load(seed=11)
    pixels = preprocess_input(images[:1200].astype("float32"))
    features = np.asarray(base(pixels, training=False)).mean(axis=(1, 2))
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
    return float(probe.fit(features[:400], labels[:400]).score(features[400:1200], labels[400:1200]))


def test_the_kept_base_knows_digits_that_it_never_saw():
    weights = ROOT / LETTERS
    assert weights.stat().st_size < 3_000_000
    assert _probe(compact(weights=weights)) > 0.8
    assert _probe(compact()) < 0.6
