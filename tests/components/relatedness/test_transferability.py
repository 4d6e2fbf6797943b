"""LogME against the evidence maximised by brute force; probes on embeddings of known worth."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from headstart.components.relatedness.transferability import logme, probe


def _data(images, features, informative, seed=0, classes=3):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % classes)
    embeddings = rng.normal(size=(images, features))
    embeddings[:, :classes] += informative * np.eye(classes)[labels]
    return embeddings.astype(np.float32), labels


def _by_brute_force(embeddings, labels):
    """The labels of a class are Gaussian, with covariance I/beta + FF'/alpha: try alphas and betas."""
    gram = embeddings.astype(np.float64) @ embeddings.T.astype(np.float64)
    scores = []
    for label in np.unique(labels):
        target = (labels == label).astype(float)

        def cost(logs, target=target):
            covariance = np.eye(len(target)) / np.exp(logs[1]) + gram / np.exp(logs[0])
            return -multivariate_normal.logpdf(target, np.zeros(len(target)), covariance)

        starts = [(0.0, 0.0), (3.0, 1.0), (-2.0, 3.0)]
        scores.append(max(-minimize(cost, start, method="Nelder-Mead").fun for start in starts))
    return np.mean(scores) / len(labels)


@pytest.mark.parametrize(("images", "features"), [(40, 6), (25, 24), (20, 35)])
def test_logme_is_the_largest_evidence(images, features):
    embeddings, labels = _data(images, features, informative=1.5)
    assert logme(embeddings, labels) == pytest.approx(_by_brute_force(embeddings, labels), abs=2e-4)


def test_informative_features_score_above_noise_and_more_of_them_higher():
    scores = [logme(*_data(200, 20, informative)) for informative in (0, 1, 3)]
    assert scores == sorted(scores)
    assert scores[2] - scores[0] > 0.1


def test_logme_does_not_depend_on_the_scale_of_the_features():
    embeddings, labels = _data(60, 8, informative=1)
    assert logme(embeddings * 1000, labels) == pytest.approx(logme(embeddings, labels), abs=1e-6)


def test_features_that_say_nothing_are_scored_without_a_warning():
    with np.errstate(all="raise"):
        assert np.isfinite(logme(np.zeros((12, 4), np.float32), np.arange(12) % 3))
        assert np.isfinite(logme(np.eye(12, dtype=np.float32), np.arange(12) % 3))


def test_probes_are_right_on_separable_embeddings_and_at_chance_on_noise():
    separable, noise = (_data(300, 20, informative) for informative in (8, 0))
    for (embeddings, labels), low, high in ((separable, 0.98, 1.0), (noise, 0.2, 0.5)):
        right = probe(embeddings[:200], labels[:200], embeddings[200:], labels[200:])
        assert low <= right.ridge.mean() <= high
        assert low <= right.centroid.mean() <= high
