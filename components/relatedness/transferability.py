"""How much a base's embeddings tell of the target's classes, before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import RidgeClassifierCV
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

_ALPHAS = np.logspace(-2, 5, 8)
_STEPS = 200  # of the fixed point, at most; a handful does unless a class cannot be told at all
_TINY = 1e-12


def logme(embeddings: np.ndarray, labels: np.ndarray) -> float:
    """LogME: the log evidence of a Bayesian linear model of each class's one-hot label, by image, averaged.

    The model is y ~ N(Fw, 1/beta), w ~ N(0, 1/alpha); alpha and beta are those with the most evidence, found
    by MacKay's fixed point on the singular values of F.

    Args:
        embeddings: float [images, features].
        labels: int [images].

    Returns:
        Higher is better; comparable between bases on the same images, and on nothing else.

    References:
        You et al., LogME, ICML 2021, arXiv:2102.11005; the fixed point: You et al., Ranking and Tuning
        Pre-trained Models, JMLR 2022, arXiv:2110.10545, algorithm 3.
    """
    images = len(labels)
    targets = (labels[:, None] == np.unique(labels)).astype(np.float64)
    left, singular, _ = np.linalg.svd(embeddings.astype(np.float64), full_matrices=False)
    aligned = left.T @ targets  # [rank, classes]: what the features can reach of each class
    out_of_reach = np.maximum((targets**2).sum(0) - (aligned**2).sum(0), 0.0)
    square = (singular**2)[:, None]
    ratio = np.ones(targets.shape[1])  # alpha / beta
    for _ in range(_STEPS):
        effective = (square / (square + ratio)).sum(0)
        weights = (square * (aligned / (square + ratio)) ** 2).sum(0)
        residue = ((aligned * ratio / (square + ratio)) ** 2).sum(0) + out_of_reach
        alpha = effective / np.maximum(weights, _TINY)
        beta = (images - effective) / np.maximum(residue, _TINY)
        before, ratio = ratio, np.maximum(alpha / np.maximum(beta, _TINY), _TINY)
        if np.allclose(ratio, before, rtol=1e-6, atol=0.0):
            break
    beta = images / np.maximum(ratio * weights + residue, _TINY)  # the best one for this ratio
    evidence = 0.5 * (
        images * (np.log(beta / (2 * np.pi)) - 1) + (np.log(ratio) - np.log(square + ratio)).sum(0)
    )
    return float(evidence.mean() / images)


@dataclass(frozen=True)
class Probe:
    """What cheap classifiers on the embeddings get right, bool [validation images]."""

    ridge: np.ndarray
    centroid: np.ndarray


def probe(
    embeddings: np.ndarray, labels: np.ndarray, validation: np.ndarray, validation_labels: np.ndarray
) -> Probe:
    """Fit a ridge classifier and nearest centroids on training embeddings; ask them for validation images.

    Args:
        embeddings: float [images, features], standardised here.
        labels: int [images].
        validation: float [validation images, features].
        validation_labels: int [validation images].
    """
    classifiers = (RidgeClassifierCV(_ALPHAS), NearestCentroid())
    return Probe(
        *(
            make_pipeline(StandardScaler(), classifier).fit(embeddings, labels).predict(validation)
            == validation_labels
            for classifier in classifiers
        )
    )
