"""A recipe on a fold: what a cell of the study would train, blind to the images that the fold holds out."""

import copy
import math
import time
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from headstart.components.shared.base import bases, batchnorm
from headstart.components.shared.features import TRAIN, VALIDATION
from headstart.components.trainer import scratch, search
from headstart.components.trainer.trial import pressed, trial
from headstart.components.tuner.below import Below

BASE = {"architecture": "compact", "weights": "random", "image_size": 16, "options": {}}
COMMON = {
    "search_steps": 4,
    "dropout": 0.2,
    "weight_decay": 0.01,
    "patience": 50,
    "patience_steps": 1,
    "epoch_steps": 6,
    "batchnorm_momentum": 0.9,
}
SETTINGS = {
    "base": BASE,
    "augment": {"flip": True, "shift": 0.1, "zoom": 0.1, "contrast": 0.1},
    "train": {"seed": 3, "batch_size": 4},
    "fine_tune": {
        **COMMON,
        "unfreeze_depth": 2,
        "batchnorm": "adapting",
        "learning_rates": [0.01],
        "steps": 12,
        "clip_norm": 5.0,
    },
    "scratch": {**COMMON, "units": 0, "epochs": 1, "steps": 12, "learning_rates": [0.05]},
}
HELD_OUT = np.arange(24) % 3 == 0  # four images of each class
STRATEGIES = ["fine_tune", "scratch"]


@pytest.fixture(scope="module")
def stored(embed, tmp_path_factory):
    return embed(tmp_path_factory.mktemp("stores") / "1", grids=(1, 2))


@pytest.fixture
def run(splits, stored):
    """Trains on the fold; what is given replaces an argument."""

    def run(strategy, **changes):
        training, out = np.flatnonzero(~HELD_OUT), np.flatnonzero(HELD_OUT)
        features = {name: stored.split(name) for name in (TRAIN, VALIDATION)}
        arguments = {
            "strategy": strategy,
            "settings": SETTINGS,
            "depth": 0,
            "training": splits()[TRAIN].rows(training),
            "validation": splits()[VALIDATION],
            "held_out": splits()[TRAIN].rows(out),
            "stored": {**features, TRAIN: features[TRAIN].rows(training)},
            "embed_seconds": 0.0,
            "classes": 2,
            "share": 1.0,
            "deadline": math.inf,
        }
        return trial(**{**arguments, **changes})

    return run


def _with(split, pixels, labels=None):
    """A split whose images are others."""
    changed = copy.copy(split)
    changed.pixels = lambda rows: pixels[rows]
    changed.labels = split.labels if labels is None else labels
    return changed


def _pixels(split):
    return split.pixels(np.arange(len(split)))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_a_fold_holds_out_changes_no_bit_of_its_model(strategy, run, splits):
    held_out = splits()[TRAIN].rows(np.flatnonzero(HELD_OUT))
    known = run(strategy)
    assert known.complete
    assert known.probabilities.shape == (8, 2)
    np.testing.assert_allclose(known.probabilities.sum(axis=1), 1, rtol=1e-5)
    # Other images in place of the last four, other labels for all: only the answers to those four change.
    others = _pixels(held_out)
    others[4:] = np.random.default_rng(1).integers(0, 256, others[4:].shape)
    blind = run(strategy, held_out=_with(held_out, others, 1 - held_out.labels))
    np.testing.assert_array_equal(blind.probabilities[:4], known.probabilities[:4])
    assert (blind.probabilities[4:] != known.probabilities[4:]).any(axis=1).all()
    assert blind.train_accuracy == known.train_accuracy
    # A training image that changes does change them, so the comparison would see a leak.
    training = splits()[TRAIN].rows(np.flatnonzero(~HELD_OUT))
    seen = _pixels(training)
    seen[0] = 255 - seen[0]
    other = run(strategy, training=_with(training, seen))
    assert (other.probabilities != known.probabilities).any()


@pytest.mark.slow
def test_with_all_steps_it_is_the_training_of_the_studys_cell(run, splits):
    images = splits()
    found = run("scratch", training=images[TRAIN], held_out=images["test"])
    keras.backend.clear_session()
    base = batchnorm.fused(bases.load(**BASE, seed=3))
    keras.utils.set_random_seed(3)
    tf.config.experimental.enable_op_determinism()
    config = {**SETTINGS, "strategy": "scratch"}
    _, _, figures, probabilities = scratch.train(base, bases.preprocess("compact"), images, 2, config)
    np.testing.assert_array_equal(found.probabilities, probabilities)
    assert found.train_accuracy == pytest.approx(figures["train_accuracy"])


@pytest.mark.slow
def test_a_fine_tune_starts_from_a_head_that_is_fitted_on_the_fold(run):
    barely = {**SETTINGS["fine_tune"], "learning_rates": [1e-9], "batchnorm": "fixed"}
    found = run("fine_tune", settings={**SETTINGS, "fine_tune": barely}, share=0.1)
    # A new head would be at chance.
    assert (found.probabilities.argmax(axis=1) == np.arange(24)[HELD_OUT] // 2 % 2).all()


@pytest.mark.slow
@pytest.mark.parametrize("batchnorm", ["fixed", "adapting"])
def test_a_shallow_recipe_learns_from_outputs_below_its_cut_what_it_learns_from_images(
    batchnorm, run, splits
):
    images = {name: split for name, split in splits().items() if name in (TRAIN, VALIDATION)}
    below = Below(BASE, images, (1, 2, 99))
    assert [below.fits(depth) for depth in (1, 2, 3, 99)] == [True, True, False, False]
    inputs = below.outputs(2)
    shallow = {**SETTINGS["fine_tune"], "batchnorm": batchnorm}
    train = {"seed": 3, "batch_size": 5}  # a pass ends with an image that fills no batch
    settings = {**SETTINGS, "fine_tune": shallow, "augment": {}, "train": train}
    stored = run(
        "fine_tune",
        settings=settings,
        depth=2,
        training=inputs[TRAIN].rows(np.flatnonzero(~HELD_OUT)),
        validation=inputs[VALIDATION],
        held_out=inputs[TRAIN].rows(np.flatnonzero(HELD_OUT)),
    )
    whole = run("fine_tune", settings=settings)
    np.testing.assert_allclose(stored.probabilities, whole.probabilities, atol=1e-3)
    assert stored.train_accuracy == whole.train_accuracy


def test_outputs_for_which_there_is_no_room_are_not_used(splits, monkeypatch):
    images = {TRAIN: splits()[TRAIN]}
    below = Below(BASE, images, (1, 2))
    assert below.fits(1) and below.fits(2)
    size = 4 * math.prod(below.outputs(1)[TRAIN].pixels(np.arange(len(images[TRAIN]))).shape)
    monkeypatch.setattr("headstart.components.tuner.below._MOST", size)
    tight = Below(BASE, images, (1, 2))
    assert tight.fits(1) and not tight.fits(2)


@pytest.mark.slow
def test_a_share_trains_that_many_steps(run, monkeypatch):
    taken = []
    fit = search.fit

    def counting(*arguments):
        cycle = arguments[-1][0]
        fit(*arguments)
        taken.append((cycle.done, cycle.steps))

    monkeypatch.setattr(search, "fit", counting)
    monkeypatch.setattr(search, "_beyond_guessing", lambda *_: False)
    run("scratch", share=0.6)
    assert taken == [(8, 8)]  # of 12, at one rate, although nothing was learnt


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_training_stops_at_the_deadline_and_says_so(strategy, run):
    section = {**SETTINGS[strategy], "steps": 100_000, "epoch_steps": 100_000, "learning_rates": [0.01, 0.02]}
    found = run(strategy, settings={**SETTINGS, strategy: section}, deadline=time.perf_counter())
    assert not found.complete
    assert found.probabilities.shape == (0, 2)


PLAN = search.Plan(
    rates=(0.1,),
    search_steps=100,
    steps=400,
    epoch_steps=40,
    weight_decay=0.0,
    clip_norm=None,
    patience=20,
    patience_steps=400,
)


@pytest.mark.parametrize(
    "share, steps, epoch_steps, search_steps", [(1 / 9, 45, 23, 12), (1 / 3, 134, 34, 34), (1e-3, 1, 1, 1)]
)
def test_epochs_end_where_the_steps_of_a_share_end(share, steps, epoch_steps, search_steps):
    found = pressed(PLAN, share)
    assert (found.steps, found.epoch_steps, found.search_steps) == (steps, epoch_steps, search_steps)
    assert found.retries == 0
    assert replace(found, steps=400, epoch_steps=40, search_steps=100, retries=PLAN.retries) == PLAN


def test_with_all_steps_the_plan_is_the_studys():
    assert pressed(PLAN, 1.0) is PLAN
