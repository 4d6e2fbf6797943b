from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from headstart.components.shared.linear import folds as folding
from headstart.components.shared.linear.features import InMemory
from headstart.components.tuner import heads, scores
from headstart.components.tuner.budget import Budget
from headstart.components.tuner.journal import Journal, Trial

IMAGES, CLASSES, BLOCKS = 90, 3, 9


def world(seed: int = 0) -> tuple[heads.Stored, heads.Problem]:
    """Nine blocks on two grids; the last one knows the classes best."""
    rng = np.random.default_rng(seed)
    labels = np.arange(IMAGES) % CLASSES
    centres = rng.normal(size=(CLASSES, 8))
    arrays = {
        (block, grid): (rng.normal(size=(IMAGES, 8 * grid)) + np.tile(centres, grid)[labels] * block).astype(
            np.float32
        )
        for block in range(BLOCKS)
        for grid in (1, 2)
    }
    held_out = folding.make(labels, np.arange(IMAGES) // 2, 1)
    problem = heads.Problem(labels, CLASSES, folding.Folds(~held_out, held_out), balanced=True)
    return heads.Stored("base", InMemory(arrays), np.arange(IMAGES), 0.01), problem


def score(trial: Trial) -> float:
    stored, problem = world()
    images = scores.Images(problem.labels, np.arange(IMAGES), problem.folds.held_out, CLASSES)
    return float(scores.by_fold(trial.predicted[None], images, "accuracy").mean())


def searched(folder: Path, seconds: float = 1e6, seed: int = 0) -> list[Trial]:
    stored, problem = world(seed)
    return heads.search([stored], problem, score, Journal(folder), Budget(seconds))


def test_every_head_is_tried_on_all_folds_and_finalists_with_class_weights(tmp_path: Path) -> None:
    found = searched(tmp_path)
    names = {(one.settings["blocks"], one.settings["grid"]) for one in found}
    assert names == {
        (blocks, grid) for blocks in ("last", "upper half", "top four", "all") for grid in (1, 2)
    }
    assert sum(one.settings["balanced"] for one in found) >= heads.FINALISTS
    assert all((one.predicted != scores.UNKNOWN).all() for one in found)
    assert all(len(one.folds) == len(one.train_accuracy) == 5 for one in found)


def test_a_search_that_goes_on_repeats_no_trial_and_finds_the_same(tmp_path: Path) -> None:
    first = searched(tmp_path)
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    second = searched(tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times
    assert [one.settings for one in first] == [one.settings for one in second]
    for one, other in zip(first, second):
        np.testing.assert_array_equal(one.predicted, other.predicted)


def test_a_search_that_was_cut_off_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = searched(tmp_path / "whole")
    searched(tmp_path / "cut", seconds=1e-9)
    assert len(list((tmp_path / "cut").iterdir())) < len(list((tmp_path / "whole").iterdir()))
    again = searched(tmp_path / "cut")
    assert [(one.settings, score(one)) for one in again] == [(one.settings, score(one)) for one in whole]


def test_wherever_a_search_is_killed_it_ends_bit_for_bit_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = searched(tmp_path)
    files = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for ended in range(len(files)):
        for file in files[ended:]:
            file.unlink(missing_ok=True)
        again = searched(tmp_path)
        assert [one.settings for one in again] == [one.settings for one in whole]
        for one, other in zip(again, whole):
            np.testing.assert_array_equal(one.losses, other.losses)
            assert one.train_accuracy == other.train_accuracy


def test_what_a_head_leaves_in_memory_does_not_matter(tmp_path: Path, monkeypatch) -> None:
    whole = searched(tmp_path / "kept")
    monkeypatch.setattr(heads, "_KEPT", 0)
    for one, other in zip(searched(tmp_path / "made again"), whole):
        np.testing.assert_array_equal(one.losses, other.losses)


def test_a_head_that_was_fitted_roughly_is_never_the_best(tmp_path: Path) -> None:
    """Each finalist is worth less once it is fitted well: the next one is then a finalist, too."""
    stored, problem = world()
    scored: dict[tuple, int] = {}

    def falling(trial: Trial) -> float:
        seen = (trial.settings["blocks"], trial.settings["grid"], trial.losses.tobytes())
        known = {key for key in scored if key[:2] == seen[:2]}
        scored.setdefault(seen, len(known))
        return 1.0 - scored[seen]

    found = heads.search([stored], replace(problem, balanced=False), falling, Journal(tmp_path), Budget(1e6))
    assert all(falling(one) < 1 for one in found)


def test_without_time_one_head_is_still_tried(tmp_path: Path) -> None:
    assert len(searched(tmp_path, seconds=1e-9)) == 1


def test_no_image_that_a_fold_holds_out_influences_its_heads(tmp_path: Path) -> None:
    """Features of held-out images are made huge: standardising, penalty path and fit must not see them."""
    stored, problem = world()
    one_fold = replace(
        problem, folds=folding.Folds(problem.folds.training[:1], problem.folds.held_out[:1]), balanced=False
    )
    out = np.flatnonzero(one_fold.folds.held_out[0])
    watched, changed = out[0], out[1:]
    arrays = {
        (block, grid): stored.features.take(block, grid, np.arange(IMAGES)).copy()
        for block in range(BLOCKS)
        for grid in (1, 2)
    }
    for values in arrays.values():
        values[changed] = 1e3
    other = replace(stored, features=InMemory(arrays))
    budget = Budget(1e-9)
    (before,) = heads.search([stored], one_fold, lambda _: 0.0, Journal(tmp_path / "a"), budget)
    (after,) = heads.search([other], one_fold, lambda _: 0.0, Journal(tmp_path / "b"), budget)
    assert before.settings == after.settings
    # Rounding alone may differ: sums run over all rows before those held out get the weight 0.
    assert before.losses[watched] == pytest.approx(after.losses[watched], abs=1e-6)
    assert before.train_accuracy == after.train_accuracy
    assert not np.allclose(before.losses[changed], after.losses[changed])
