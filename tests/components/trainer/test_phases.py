"""Both phases on a task small enough to be learnt in seconds."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.features import LABEL_INDEX, PATH, PIXELS, RANK
from components.trainer import bases, phases
from components.trainer.records import Records

CONFIG = {
    "head": {"units": 8, "dropout": 0.3},
    "augment": {"flip": True, "shift": 0.1, "zoom": 0.1, "contrast": 0.1},
    "frozen": {"epochs": 4, "learning_rate": 0.01, "patience": 4},
    "fine_tune": {"epochs": 3, "learning_rate": 0.003, "patience": 3, "unfreeze_depth": -1},
    "train": {"strategy": "fine_tune", "fraction": 1.0, "seed": 5, "batch_size": 8, "patience_steps": 1},
}


@pytest.fixture
def records(tmp_path):
    """Sixteen images a split: class 1 is bright, class 0 is dark."""
    rng = np.random.default_rng(0)
    found = {}
    for split in ("train", "validation"):
        path = tmp_path / f"{split}.gz"
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for rank in range(16):
                pixels = rng.integers(0, 120, (16, 16, 3)) + 120 * (rank % 2)
                feature = {
                    PIXELS: tf.train.Feature(
                        bytes_list=tf.train.BytesList(value=[pixels.astype(np.uint8).tobytes()])
                    ),
                    LABEL_INDEX: tf.train.Feature(int64_list=tf.train.Int64List(value=[rank % 2])),
                    PATH: tf.train.Feature(bytes_list=tf.train.BytesList(value=[f"{rank:02}".encode()])),
                    RANK: tf.train.Feature(int64_list=tf.train.Int64List(value=[rank])),
                }
                writer.write(
                    tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
                )
        found[split] = [str(path)]
    return lambda: {split: Records(files, 16) for split, files in found.items()}


def _train(records, **changes):
    config = {**CONFIG, **changes}
    keras.utils.set_random_seed(config["train"]["seed"])
    tf.config.experimental.enable_op_determinism()
    base = bases.load("compact", "random", 16, {})
    before = [w.numpy() for w in base.weights if "moving_" in w.path]
    model, figures, history = phases.train(base, bases.preprocess("compact"), records(), 2, config)
    after = [w.numpy() for w in base.weights if "moving_" in w.path]
    return model, figures, history, (before, after)


def test_both_phases_leave_batch_norm_statistics_bitwise_unchanged(records):
    _, figures, _, (before, after) = _train(records)
    assert figures["epochs_frozen"] == 4
    assert figures["epochs_fine_tune"] == 3
    assert len(before) == 12
    assert all(np.array_equal(a, b) for a, b in zip(before, after))


def test_the_same_seed_gives_the_same_history_and_weights(records):
    one, _, first, _ = _train(records)
    two, _, second, _ = _train(records)
    keys = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
    assert [[row[key] for key in keys] for row in first] == [[row[key] for key in keys] for row in second]
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), two.get_weights()))


def test_the_weights_with_the_lowest_validation_loss_are_kept(records):
    model, figures, history, _ = _train(records)
    lowest = min(history, key=lambda row: row["val_loss"])
    assert figures["best_epoch"] == lowest["epoch"]
    loss, _ = model.evaluate(
        records()["validation"].batches(64).map(lambda x, y: (bases.preprocess("compact")(x), y)), verbose=0
    )
    assert loss == pytest.approx(lowest["val_loss"], rel=1e-4)


def test_the_frozen_strategy_leaves_the_base_as_it_was(records):
    train = {**CONFIG["train"], "strategy": "frozen"}
    _, figures, history, _ = _train(records, train=train)
    assert {row["phase"] for row in history} == {"frozen"}
    assert figures["unfrozen_blocks"] == 0


def test_a_phase_stops_when_validation_no_longer_improves(records):
    still = {"epochs": 50, "learning_rate": 1e-9, "patience": 2}
    train = {**CONFIG["train"], "strategy": "frozen"}
    _, figures, _, _ = _train(records, frozen=still, train=train)
    assert figures["epochs_frozen"] < 50


def test_patience_is_counted_in_steps_too(records):
    still = {"epochs": 30, "learning_rate": 1e-9, "patience": 1}
    train = {**CONFIG["train"], "strategy": "frozen", "patience_steps": 1000}
    assert _train(records, frozen=still, train=train)[1]["epochs_frozen"] == 30  # 2 steps an epoch
