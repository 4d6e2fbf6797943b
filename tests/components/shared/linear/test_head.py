"""The head: one dense layer that is the fitted model, whichever solver ran."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from headstart.components.shared.linear import gram, head, streamed
from headstart.components.shared.linear.features import Candidate, InMemory

PENALTY = 10.0
TOP_TWO = Candidate("top two", (1, 2), 2)


def _store(images=90, width=20, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % classes)
    centres = rng.normal(size=(classes, width))
    arrays = {
        (block, 2): (1 + rng.normal(size=(images, width)) + centres[labels]).astype(np.float16)
        for block in range(3)
    }
    return InMemory(arrays), labels


def _odds(fitted, store, rows):
    return softmax(head.logits(fitted, store, rows), axis=1)


@pytest.mark.parametrize("width", [10, 200])
def test_the_head_is_scikit_learns_model_with_fewer_features_than_rows_and_with_more(width):
    store, labels = _store(width=width)
    rows, others = np.arange(60), np.arange(60, 90)
    inputs = [store.take(*part, np.arange(90)).astype(np.float64) for part in TOP_TWO.parts]
    for values in inputs:
        spread = values[rows].std(axis=0) + 1e-3 * values[rows].std() + 1e-6
        values -= values[rows].mean(axis=0)
        values /= spread * np.sqrt(2 * width)
    joined = np.concatenate(inputs, axis=1)
    theirs = LogisticRegression(C=PENALTY, tol=1e-8, max_iter=10_000).fit(joined[rows], labels[rows])
    ours = head.fit(store, labels, rows, 3, TOP_TWO, PENALTY)
    np.testing.assert_allclose(_odds(ours, store, others), theirs.predict_proba(joined[others]), atol=1e-3)


@pytest.mark.parametrize("width", [10, 200])
def test_the_streamed_solver_finds_the_same_head(width, monkeypatch):
    store, labels = _store(width=width)
    rows = np.arange(60)
    whole = head.fit(store, labels, rows, 3, TOP_TWO, PENALTY)
    monkeypatch.setattr(head, "ROW_SPACE", 50)
    monkeypatch.setattr(gram, "_CHUNK", 1000)
    monkeypatch.setattr(streamed, "DIRECTIONS", 30)
    chunked = head.fit(store, labels, rows, 3, TOP_TWO, PENALTY)
    everything = np.arange(90)
    np.testing.assert_allclose(_odds(chunked, store, everything), _odds(whole, store, everything), atol=1e-3)


@pytest.mark.parametrize("penalty", [1.0, 1000.0])
def test_rows_that_are_nearly_the_same_do_not_lead_the_streamed_solver_astray(penalty, monkeypatch):
    store, labels = _store(width=200)
    rng = np.random.default_rng(1)
    frames = np.arange(90) % 30  # three frames of each scene
    arrays = {part: store.take(*part, frames).astype(np.float32) for part in ((0, 2), (1, 2), (2, 2))}
    close = {
        part: values + rng.normal(0, 1e-4, values.shape).astype(np.float32) for part, values in arrays.items()
    }
    store, labels, rows = InMemory(close), labels[frames], np.arange(90)
    whole = head.fit(store, labels, rows, 3, TOP_TWO, penalty)
    monkeypatch.setattr(head, "ROW_SPACE", 50)
    monkeypatch.setattr(streamed, "DIRECTIONS", 60)
    chunked = head.fit(store, labels, rows, 3, TOP_TWO, penalty)
    np.testing.assert_allclose(_odds(chunked, store, rows), _odds(whole, store, rows), atol=1e-3)


def test_a_rare_class_that_the_streamed_solvers_sample_would_miss_is_learnt():
    store, labels = _store()
    labels[labels == 2] = 0
    labels[[11, 12]] = 2
    rows = streamed.Standardised(store, TOP_TWO, np.arange(90))
    model = streamed.fit(rows, labels, 3, 300.0)
    (values,) = rows.chunks()
    assert (model.log_probabilities(values)[[11, 12]].argmax(axis=1) == 2).all()


def test_logits_are_the_joined_features_times_the_weights_plus_the_bias():
    store, labels = _store()
    rows = np.array([7, 3, 80])
    fitted = head.fit(store, labels, np.arange(60), 3, TOP_TWO, PENALTY)
    joined = np.concatenate([store.take(1, 2, rows), store.take(2, 2, rows)], axis=1).astype(np.float32)
    np.testing.assert_allclose(
        head.logits(fitted, store, rows), joined @ fitted.weights + fitted.bias, atol=1e-4
    )
    assert (fitted.weights.dtype, fitted.bias.dtype) == (np.float32, np.float32)


def test_rows_are_training_images_and_no_others():
    store, labels = _store()
    other = np.where(np.arange(90) < 60, labels, 0)
    one, two = (head.fit(store, some, np.arange(60), 3, TOP_TWO, PENALTY) for some in (labels, other))
    np.testing.assert_array_equal(one.weights, two.weights)


def _prior(store, labels, rows):
    return head.fit(store, labels, rows, 3, TOP_TWO, PENALTY)


def test_a_strong_penalty_towards_a_prior_head_leaves_its_answers_and_a_weak_one_forgets_it():
    store, labels = _store()
    rows, others = np.arange(60), np.arange(60, 90)
    swapped = (labels + 1) % 3  # what the prior was taught
    prior = _prior(store, swapped, rows)
    near = head.fit(store, labels, rows, 3, TOP_TWO, 1e-5, prior)
    far = head.fit(store, labels, rows, 3, TOP_TWO, 1e4, prior)
    plain = head.fit(store, labels, rows, 3, TOP_TWO, 1e4)
    weights = np.abs(near.weights - prior.weights).max()
    assert weights < 1e-3 * np.abs(prior.weights).max()
    assert (head.logits(far, store, others).argmax(axis=1) == labels[others]).mean() > 0.9
    np.testing.assert_allclose(_odds(far, store, rows), _odds(plain, store, rows), atol=0.05)


def test_the_minimum_is_that_of_the_penalty_on_the_difference(monkeypatch):
    """At the minimum the gradient of the cross-entropy is that of the penalty, with the other sign."""
    store, labels = _store(width=10)
    rows = np.arange(60)
    prior = _prior(store, (labels + 1) % 3, rows)
    fitted = head.fit(store, labels, rows, 3, TOP_TWO, PENALTY, prior)
    scaled = streamed.Standardised(store, TOP_TWO, rows)
    inputs = np.concatenate(list(scaled.chunks()))
    slope = inputs.T @ (_odds(fitted, store, rows) - np.eye(3)[labels[rows]])
    difference = (fitted.weights - prior.weights) / scaled.factor[:, None]
    np.testing.assert_allclose(slope, -difference / PENALTY, atol=2e-2)


@pytest.mark.parametrize("width", [10, 200])
def test_the_streamed_solver_finds_the_same_head_towards_a_prior(width, monkeypatch):
    store, labels = _store(width=width)
    rows, everything = np.arange(60), np.arange(90)
    prior = _prior(store, (labels + 1) % 3, rows)
    whole = head.fit(store, labels, rows, 3, TOP_TWO, PENALTY, prior)
    monkeypatch.setattr(head, "ROW_SPACE", 50)
    monkeypatch.setattr(gram, "_CHUNK", 1000)
    monkeypatch.setattr(streamed, "DIRECTIONS", 30)
    chunked = head.fit(store, labels, rows, 3, TOP_TWO, PENALTY, prior)
    np.testing.assert_allclose(_odds(chunked, store, everything), _odds(whole, store, everything), atol=1e-3)


def test_a_class_without_images_keeps_what_the_prior_knows_of_it():
    store, labels = _store()
    rows = np.arange(60)
    prior = _prior(store, labels, rows)
    seen = rows[labels[rows] != 2]
    fitted = head.fit(store, labels, seen, 3, TOP_TWO, PENALTY, prior)
    np.testing.assert_allclose(fitted.weights[:, 2], prior.weights[:, 2], atol=1e-6)
    others = np.arange(60, 90)
    assert (head.logits(fitted, store, others).argmax(axis=1) == labels[others]).mean() > 0.8


def _uneven():
    """The rows of 30, 10 and 4 images of three classes."""
    store, labels = _store(width=200)
    counts = {0: 30, 1: 10, 2: 4}
    rows = np.concatenate([np.flatnonzero(labels == label)[:count] for label, count in counts.items()])
    return store, labels, np.sort(rows)


@pytest.mark.parametrize("row_space", [head.ROW_SPACE, 20])
@pytest.mark.parametrize("directions", [1000, 30])
@pytest.mark.parametrize("blocks", [(2,), (0, 1, 2)])
def test_every_solver_finds_scikit_learns_balanced_model(row_space, directions, blocks, monkeypatch):
    store, labels, rows = _uneven()
    store = InMemory({part: store.take(*part, np.arange(90))[:, :20] for part in ((0, 2), (1, 2), (2, 2))})
    candidate = Candidate("some", blocks, 2)  # 20 features of 44 rows, or 60
    monkeypatch.setattr(head, "ROW_SPACE", row_space)
    monkeypatch.setattr(streamed, "DIRECTIONS", directions)
    (values,) = streamed.Standardised(store, candidate, rows).chunks()
    theirs = LogisticRegression(C=PENALTY, tol=1e-8, max_iter=10_000, class_weight="balanced")
    expected = theirs.fit(values.astype(np.float64), labels[rows]).predict_proba(values)
    ours = head.fit(store, labels, rows, 3, candidate, PENALTY, balanced=True)
    np.testing.assert_allclose(_odds(ours, store, rows), expected, atol=2e-3)
    plain = head.fit(store, labels, rows, 3, candidate, PENALTY)
    assert np.abs(_odds(plain, store, rows) - expected).max() > 0.02
