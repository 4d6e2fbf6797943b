from __future__ import annotations

from pathlib import Path

import numpy as np

from headstart.components.tuner.journal import Journal, Trial, joined
from headstart.components.tuner.scores import UNKNOWN


def trial(fold: int, value: int, seconds: float = 1.0) -> Trial:
    predicted = np.full(4, UNKNOWN, np.int32)
    losses = np.full(4, np.nan, np.float32)
    predicted[fold], losses[fold] = value, 0.5
    settings = {"learning_rates": [0.1]}
    return Trial("fine_tune", "base", settings, 1.0, (fold,), predicted, losses, (0.9,), seconds, 2 * seconds)


def test_a_trial_is_read_as_it_was_kept(tmp_path: Path) -> None:
    key = {"strategy": "fine_tune", "fold": 1}
    kept = trial(1, 3)
    Journal(tmp_path / "new").put(key, kept)
    found = Journal(tmp_path / "new").get(key)
    assert found is not None
    np.testing.assert_array_equal(found.predicted, kept.predicted)
    np.testing.assert_array_equal(found.losses, kept.losses)
    names = ("strategy", "settings", "share", "folds", "train_accuracy", "train_seconds", "search_seconds")
    assert [getattr(found, name) for name in names] == [getattr(kept, name) for name in names]


def test_another_key_is_another_trial(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.put({"fold": 1}, trial(1, 3))
    assert journal.get({"fold": 2}) is None


def test_what_a_kill_left_half_written_is_no_trial(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.put({"fold": 1}, trial(1, 3))
    (file,) = tmp_path.iterdir()
    file.rename(file.with_name(f".{file.name}.writing"))
    assert journal.get({"fold": 1}) is None
    journal.put({"fold": 1}, trial(1, 2))
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_trials_on_different_folds_join() -> None:
    found = joined([trial(0, 2, 1.0), trial(2, 1, 3.0)])
    assert found.folds == (0, 2)
    assert found.predicted.tolist() == [2, UNKNOWN, 1, UNKNOWN]
    assert found.train_seconds == 2
    assert found.search_seconds == 8
