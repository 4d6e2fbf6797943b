"""Standardising inside each fold, and inner products that add up over blocks."""

import numpy as np

from headstart.components.shared.linear import features, gram
from headstart.components.shared.linear.features import Candidate, InMemory

ROWS = np.arange(3, 43)


def _features(images=50, seed=0):
    rng = np.random.default_rng(seed)
    widths = {(0, 1): 3, (0, 2): 12, (1, 1): 5, (1, 2): 20, (2, 1): 7, (2, 2): 7}
    arrays = {
        part: (2 + rng.normal(size=(images, width))).astype(np.float16) for part, width in widths.items()
    }
    arrays[2, 2] = arrays[2, 1]  # a map too small for the second grid
    return InMemory(arrays)


def _standardised(values, training):
    """The formula, written out in float64."""
    values = values.astype(np.float64)
    known = values[training]
    spread = known.std(axis=0) + 1e-3 * known.std() + 1e-6
    return (values - known.mean(axis=0)) / (spread * np.sqrt(values.shape[1]))


def _training():
    training = np.ones((2, len(ROWS)), bool)
    training[0, :10] = training[1, 25:] = False
    return training


def test_the_scaling_is_the_formula_on_the_training_rows_of_each_set():
    store, training = _features(), _training()
    scaling = gram.scaling(store, (1, 2), ROWS, training)
    values = store.take(1, 2, ROWS)
    for index, rows in enumerate(training):
        np.testing.assert_allclose(scaling.apply(values, index), _standardised(values, rows), atol=1e-5)


def test_the_scaling_is_the_same_in_small_chunks(monkeypatch):
    store, training = _features(), _training()
    whole = gram.scaling(store, (1, 2), ROWS, training)
    monkeypatch.setattr(gram, "_CHUNK", 70)
    chunked = gram.scaling(store, (1, 2), ROWS, training)
    np.testing.assert_allclose(chunked.mean, whole.mean, rtol=1e-5)
    np.testing.assert_allclose(chunked.factor, whole.factor, rtol=1e-5)


def test_rows_that_are_held_out_do_not_change_the_scaling():
    store, training = _features(), _training()[:1]
    changed = _features()
    changed.take(1, 2, slice(None))[ROWS[:10]] += 5
    before, after = (gram.scaling(one, (1, 2), ROWS, training) for one in (store, changed))
    np.testing.assert_allclose(before.factor, after.factor, rtol=1e-5)
    np.testing.assert_allclose(before.mean, after.mean, rtol=1e-5)


def test_a_constant_feature_stays_small():
    values = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    values[:, 0] = 3
    scaling = gram.scaling(InMemory({(0, 1): values}), (0, 1), np.arange(20), np.ones((1, 20), bool))
    assert np.abs(scaling.apply(values)[:, 0]).max() < 1e-3


def test_every_candidate_has_the_inner_products_of_its_standardised_features():
    store, training = _features(), _training()
    chosen = features.candidates(store)
    found = dict(gram.grams(store, chosen, ROWS, training))
    assert set(found) == set(chosen)
    for candidate, matrices in found.items():
        for rows, matrix in zip(training, matrices):
            joined = np.concatenate(
                [_standardised(store.take(*part, ROWS), rows) for part in candidate.parts], axis=1
            )
            np.testing.assert_allclose(matrix, joined @ joined.T / len(candidate.parts), atol=1e-4)


def test_candidates_that_share_no_sum_are_added_up_on_their_own():
    store, training = _features(), _training()
    chosen = [Candidate("all", (0, 1, 2), 1), Candidate("early", (0,), 1), Candidate("two", (1, 2), 1)]
    alone = {one: matrices for each in chosen for one, matrices in gram.grams(store, [each], ROWS, training)}
    for candidate, matrices in gram.grams(store, chosen, ROWS, training):
        np.testing.assert_allclose(matrices, alone[candidate], atol=1e-5)


def test_lower_triangles_are_mirrored_whatever_the_size(monkeypatch):
    monkeypatch.setattr(gram, "_TILE", 4)
    for rows in (1, 4, 10):
        values = np.random.default_rng(rows).normal(size=(2, rows, rows)).astype(np.float32)
        symmetric = values + values.transpose(0, 2, 1)
        np.testing.assert_array_equal(gram.mirrored(np.tril(symmetric)), symmetric)


def test_a_training_row_has_a_mean_squared_length_of_one_whatever_the_candidate():
    store = _features()
    for _, matrices in gram.grams(store, features.candidates(store), ROWS, np.ones((1, 40), bool)):
        np.testing.assert_allclose(np.trace(matrices[0]) / 40, 1, atol=0.01)


def test_a_block_and_grid_are_read_once_for_all_candidates():
    class Counting(InMemory):
        taken = 0

        def take(self, block, grid, rows):
            self.taken += 1
            return super().take(block, grid, rows)

    store = Counting({(block, 1): np.ones((8, 2), np.float16) * block for block in range(3)})
    chosen = [Candidate("last", (2,), 1), Candidate("all", (0, 1, 2), 1)]
    list(gram.grams(store, chosen, np.arange(8), np.ones((1, 8), bool)))
    assert store.taken == 3


def test_coordinates_keep_the_inner_products_of_other_images():
    rng = np.random.default_rng(0)
    training, others = rng.normal(size=(2, 15, 40)).astype(np.float32)
    lower = gram.basis(training @ training.T)
    found = gram.coordinates(lower, others @ training.T)
    np.testing.assert_allclose(lower @ lower.T, training @ training.T, atol=1e-3)
    np.testing.assert_allclose(found @ lower.T, others @ training.T, atol=1e-3)
