"""The logistic regression: scikit-learn's optimum, on awkward rows too."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from headstart.components.shared.linear import gram, logistic
from headstart.components.shared.linear.logistic import ABSENT, Dense, LowerTriangle


def _data(rows=120, width=30, classes=4, seed=0, apart=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(rows) % classes)
    values = rng.normal(size=(rows, width)) + apart * rng.normal(size=(classes, width))[labels]
    values -= values.mean(axis=0)
    return (values / np.sqrt(width)).astype(np.float32), labels


def _theirs(values, labels, penalty):
    model = LogisticRegression(C=penalty, tol=1e-8, max_iter=10_000)
    return model.fit(values.astype(np.float64), labels).predict_proba(values)


def _ours(values, labels, penalty, **options):
    model = logistic.fit(Dense(values), labels, labels.max() + 1, penalty, **options)
    return np.exp(model.log_probabilities(values))


@pytest.mark.parametrize("penalty", [0.1, 10.0, 300.0])
@pytest.mark.parametrize("classes", [3, 40])
def test_the_optimum_is_scikit_learns(classes, penalty):
    values, labels = _data(rows=240, classes=classes)
    np.testing.assert_allclose(
        _ours(values, labels, penalty), _theirs(values, labels, penalty), atol=1e-3, rtol=0
    )


def test_two_classes_are_the_multinomial_model_with_two():
    values, labels = _data(classes=2)
    # scikit-learn fits one weight vector to two classes, which halves the penalty of ours.
    theirs = _theirs(values, labels, 20.0)
    np.testing.assert_allclose(_ours(values, labels, 10.0), theirs, atol=1e-3)


def test_a_hundred_classes_of_two_rows_do_not_stop_early():
    values, labels = _data(rows=200, width=250, classes=100)
    np.testing.assert_allclose(_ours(values, labels, 10.0), _theirs(values, labels, 10.0), atol=1e-3)


def test_a_warm_start_changes_the_way_but_not_the_optimum():
    values, labels = _data()
    near = logistic.fit(Dense(values), labels, 4, 3.0)
    np.testing.assert_allclose(
        _ours(values, labels, 10.0, start=near), _ours(values, labels, 10.0), atol=1e-3
    )


def test_curvature_in_a_span_changes_the_way_but_not_the_optimum():
    values, labels = _data()
    directions = np.linalg.qr(values[:7].T)[0].T
    span = logistic.Span(directions, Dense(values @ directions.T))
    near = logistic.fit(Dense(values), labels, 4, 3.0)
    for start in (None, near):
        ours = _ours(values, labels, 10.0, start=start, span=span)
        np.testing.assert_allclose(ours, _ours(values, labels, 10.0), atol=1e-3)


def test_the_row_space_gives_the_model_on_the_features():
    values, labels = _data(rows=60, width=400)
    lower = gram.basis(values @ values.T)
    np.testing.assert_allclose(_ours(lower, labels, 10.0), _theirs(values, labels, 10.0), atol=1e-3)


def test_duplicate_rows_and_constant_features_are_fitted():
    values, labels = _data(rows=30, width=50)
    values, labels = np.concatenate([values, values]), np.concatenate([labels, labels])
    values[:, 3] = 0
    lower = gram.basis(values @ values.T)
    np.testing.assert_allclose(_ours(lower, labels, 10.0), _theirs(values, labels, 10.0), atol=1e-3)


def test_identical_rows_are_as_likely_as_their_classes_are_frequent():
    labels = np.array([0, 0, 0, 1])
    lower = gram.basis(np.zeros((4, 4), np.float32))
    np.testing.assert_allclose(_ours(lower, labels, 10.0), [[0.75, 0.25]] * 4, atol=1e-3)


def test_one_row_a_class_is_fitted():
    values, labels = _data(rows=5, width=20, classes=5)
    assert (_ours(values, labels, 10.0).argmax(axis=1) == labels).all()


def test_a_class_without_rows_is_all_but_impossible_and_leaves_the_others_alone():
    values, labels = _data(classes=3)
    gap = np.where(labels == 2, 3, labels)
    model = logistic.fit(Dense(values), gap, 5, 10.0)
    odds = softmax(values @ model.weights + model.bias, axis=1)
    assert odds[:, [2, 4]].max() < 1e-6
    assert model.bias[2] == ABSENT
    np.testing.assert_allclose(odds[:, [0, 1, 3]], _ours(values, labels, 10.0), atol=1e-5)


def test_a_single_class_is_certain():
    values = _data()[0]
    model = logistic.fit(Dense(values), np.ones(len(values), int), 3, 10.0)
    assert (softmax(values @ model.weights + model.bias, axis=1)[:, 1] > 0.999).all()


@pytest.mark.parametrize("penalty", [0.1, 10.0, 300.0])
def test_balanced_weights_give_scikit_learns_balanced_optimum(penalty):
    values, labels = _data(rows=240, classes=3, apart=0.3)
    kept = np.concatenate([np.flatnonzero(labels == label)[: 80 // (1 + 3 * label)] for label in range(3)])
    values, labels = values[kept], labels[kept]  # 80, 20 and 11 rows
    theirs = LogisticRegression(C=penalty, tol=1e-8, max_iter=10_000, class_weight="balanced")
    expected = theirs.fit(values.astype(np.float64), labels).predict_proba(values)
    ours = _ours(values, labels, penalty, weights=logistic.balanced(labels))
    np.testing.assert_allclose(ours, expected, atol=1e-3, rtol=0)
    assert np.abs(ours - _ours(values, labels, penalty)).max() > 0.02


def test_balanced_weights_are_the_same_for_each_class_in_total_and_have_a_mean_of_one():
    targets = np.array([0, 4, 0, 0, 2, 2])  # no row of 1 and 3
    weights = logistic.balanced(targets)
    np.testing.assert_allclose(weights, [2 / 3, 2, 2 / 3, 2 / 3, 1, 1], rtol=1e-6)
    assert weights.dtype == np.float32


def test_a_weight_of_two_is_a_row_that_is_there_twice():
    values, labels = _data(rows=40, classes=3)
    twice = np.arange(40) % 4 == 0
    ours = logistic.fit(Dense(values), labels, 3, 10.0, weights=(1 + twice).astype(np.float32))
    theirs = logistic.fit(
        Dense(np.concatenate([values, values[twice]])), np.concatenate([labels, labels[twice]]), 3, 10.0
    )
    np.testing.assert_allclose(ours.log_probabilities(values), theirs.log_probabilities(values), atol=5e-3)


def test_weights_of_one_change_no_bit():
    values, labels = _data()
    one, other = (
        logistic.fit(Dense(values), labels, 4, 10.0, weights=weights)
        for weights in (None, np.ones(len(values), np.float32))
    )
    np.testing.assert_array_equal(one.weights, other.weights)
    np.testing.assert_array_equal(one.bias, other.bias)


@pytest.mark.parametrize("weights", [None, np.linspace(0.5, 1.5, 40, dtype=np.float32)])
def test_a_lower_triangle_has_the_curvature_of_the_same_rows(weights):
    rng = np.random.default_rng(0)
    values = np.tril(rng.normal(size=(40, 40))).astype(np.float32)
    point = rng.normal(size=(40, 3)).astype(np.float32), np.zeros(3)
    for at in (None, point):
        whole, triangle = (
            logistic._Problem(kind(values), np.arange(40) % 3, 3, 10.0, None, None, weights)._curvature(at)
            for kind in (Dense, LowerTriangle)
        )
        np.testing.assert_allclose(triangle[0], whole[0], atol=1e-5)
        assert triangle[1] == pytest.approx(whole[1])


def test_a_rough_fit_is_near_the_minimum():
    values, labels = _data(apart=3.0)
    rough, exact = (_ours(values, labels, 100.0, tolerance=t) for t in (logistic.ROUGH, 1e-5))
    assert (rough.argmax(axis=1) == exact.argmax(axis=1)).mean() > 0.98
    own = np.arange(len(labels)), labels
    assert np.log(exact[own]).mean() - np.log(rough[own]).mean() < 0.01
