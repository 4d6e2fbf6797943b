"""The logistic regression: scikit-learn's optimum, on awkward rows too."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from headstart.components.shared.linear import gram, logistic
from headstart.components.shared.linear.logistic import ABSENT, Dense


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
