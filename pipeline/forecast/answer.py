"""From a measurement and a target to the forecast; pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from headstart.pipeline.forecast import curve, scores
from headstart.pipeline.forecast.measurement import Measurement
from headstart.pipeline.forecast.scores import Score
from headstart.pipeline.results.forecast import Between, Forecast

FARTHEST = 30  # times the images that there are; what lies beyond that is called not reachable
_MILESTONES = (1, 2, 4, 8, 16)  # times the images that there are
_POINTS = 40  # of the drawn curve


@dataclass(frozen=True)
class Target:
    """What is to be reached."""

    metric: str  # within a sentence: "accuracy", "recall of shirt"
    score: Score
    value: float  # 0…1
    label: int | None = None  # the class of a recall


@dataclass(frozen=True)
class About:
    """What the forecast is of."""

    dataset: str
    base: str
    head: str
    images: int  # training images that there are


def forecast(measurement: Measurement, target: Target, about: About, seed: int) -> Forecast:
    """Continue the curve of a score, and find where it reaches the target.

    Args:
        measurement: with four sizes or more.
        target: the score and its target.
        about: the data set, the base and the head.
        seed: of the bootstrap and of the priors.
    """
    observed, replicates = scores.resampled(measurement, target.score, seed)
    curves = curve.fit(measurement.sizes, observed, replicates, seed)
    farthest = FARTHEST * about.images
    drawn = np.unique(np.geomspace(measurement.sizes[0], farthest, _POINTS).round().astype(int))
    at = np.array([about.images * times for times in _MILESTONES])
    needed = curves.needed(target.value, farthest)
    return Forecast(
        dataset=about.dataset,
        base=about.base,
        metric=target.metric,
        target=target.value,
        images=about.images,
        now=_between(curves.scores(np.array([about.images]))[:, 0]),
        needed=_between(needed),
        chance=float(np.isfinite(needed).mean()),
        farthest=farthest,
        there=_between(curves.scores(np.array([farthest]))[:, 0]),
        draws=measurement.draws,
        head=about.head,
        measured=tuple(zip(measurement.sizes.tolist(), observed.tolist())),
        curve=_along(curves, drawn),
        milestones=_along(curves, at),
        unusual=curve.unusual(measurement.sizes, observed, replicates),
    )


def _along(curves: curve.Curves, images: np.ndarray) -> tuple[tuple[int, Between], ...]:
    return tuple(zip(images.tolist(), (_between(values) for values in curves.scores(images).T)))


def _between(values: np.ndarray) -> Between:
    """Median and 80 % range, of curves some of which may be infinite."""
    low, middle, high = np.quantile(values, (curve.RANGE[0], 0.5, curve.RANGE[1]), method="inverted_cdf")
    return Between(float(middle), float(low), float(high))
