"""Reference classifiers: right where classes are apart, the same each time, chosen on validation alone."""

import warnings

import numpy as np
import pytest

from headstart.components.references import classifiers
from headstart.components.references.classifiers import LOGISTIC_GRID, SVM_GRID, logistic, svm

FITS = pytest.mark.parametrize("fit", [logistic, svm])


def _split(images, apart, seed, classes=3, features=12):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % classes)
    values = rng.normal(size=(images, features)).astype(np.float32)
    values[:, :classes] += apart * np.eye(classes, dtype=np.float32)[labels]
    return values, labels


@FITS
@pytest.mark.parametrize("classes", [2, 3])
def test_separable_classes_are_told_apart(fit, classes):
    training, validation, test = (_split(60, 8, seed, classes) for seed in range(3))
    fitted = fit(training, validation, test[0], classes)
    assert (fitted.scores.argmax(axis=1) == test[1]).mean() > 0.95
    assert fitted.figures["train_accuracy"] > 0.95
    assert fitted.figures["val_accuracy"] > 0.95
    assert fitted.scores.min() >= 0
    assert fitted.scores.max() <= 1


def test_classes_that_no_line_divides_need_the_svm():
    rng = np.random.default_rng(0)
    splits = [rng.normal(size=(300, 2)).astype(np.float32) for _ in range(3)]
    labels = [(values[:, 0] * values[:, 1] > 0).astype(int) for values in splits]
    right = {}
    for fit in (logistic, svm):
        fitted = fit((splits[0], labels[0]), (splits[1], labels[1]), splits[2], 2)
        right[fit] = (fitted.scores.argmax(axis=1) == labels[2]).mean()
    assert right[svm] > 0.9 > 0.65 > right[logistic]


def test_the_svm_is_scikit_learns_own():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    training, validation, test = (_split(90, 1, seed) for seed in range(3))
    fitted = svm(training, validation, test[0], 3)
    same = make_pipeline(StandardScaler(), SVC(C=fitted.figures["c"], break_ties=True)).fit(*training)
    assert (fitted.scores.argmax(axis=1) == same.predict(test[0])).mean() > 0.98


@FITS
def test_the_same_images_give_the_same_scores(fit):
    training, validation, test = (_split(60, 1, seed) for seed in range(3))
    one, two = (fit(training, validation, test[0], 3) for _ in range(2))
    np.testing.assert_array_equal(one.scores, two.scores)
    assert one.figures["c"] == two.figures["c"]


@FITS
def test_of_settings_equal_on_validation_the_simplest_is_taken(fit):
    training, validation, test = (_split(60, 30, seed) for seed in range(3))
    assert (
        fit(training, validation, test[0], 3).figures["c"] == {logistic: LOGISTIC_GRID, svm: SVM_GRID}[fit][0]
    )


@FITS
def test_the_setting_is_the_best_on_validation(fit, monkeypatch):
    training, validation, test = (_split(90, 1, seed) for seed in range(3))
    name = "LOGISTIC_GRID" if fit is logistic else "SVM_GRID"
    grid, alone = getattr(classifiers, name), {}
    for c in grid:
        monkeypatch.setattr(classifiers, name, (c,))
        alone[c] = fit(training, validation, test[0], 3).figures["val_accuracy"]
    monkeypatch.setattr(classifiers, name, grid)
    assert fit(training, validation, test[0], 3).figures["val_accuracy"] == max(alone.values())


@FITS
def test_a_class_without_training_images_is_never_predicted(fit):
    (values, labels), validation, test = (_split(90, 5, seed) for seed in range(3))
    seen = labels != 1
    fitted = fit((values[seen], labels[seen]), validation, test[0], 3)
    assert not fitted.scores[:, 1].any()
    assert set(fitted.scores.argmax(axis=1)) == {0, 2}


def test_what_does_not_converge_is_told_in_the_figures_alone(monkeypatch):
    monkeypatch.setattr(classifiers, "_ITERATIONS", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = logistic(_split(60, 1, 0), _split(60, 1, 1), _split(60, 1, 2)[0], 3)
    assert fitted.figures["converged"] is False


@FITS
def test_seconds_of_the_final_fit_and_of_the_search_are_told_apart(fit):
    figures = fit(_split(60, 1, 0), _split(60, 1, 1), _split(60, 1, 2)[0], 3).figures
    assert figures["train_seconds"] == figures["seconds_to_best"] > 0
    assert figures["tuning_seconds"] > 0
    assert figures["cpu_seconds"] > 0
    assert figures["setup_seconds"] == 0
