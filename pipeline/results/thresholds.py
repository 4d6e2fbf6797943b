"""From which probability on a class is predicted, so that it has the recall or precision that is asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from headstart.components.shared.statistics import wilson
from headstart.pipeline.results.out_of_fold import OutOfFold
from headstart.pipeline.verdict.words import count, percent, percents

Metric = Literal["recall", "precision"]


@dataclass(frozen=True)
class Share:
    """A share of images, with its 95 % interval; Wilson's, of the groups where images come in groups."""

    value: float  # 0…1; NaN of no image
    low: float
    high: float
    hits: int
    images: int

    def told(self) -> str:
        """Within a sentence."""
        if not self.images:
            return "unknown, as it is never predicted"
        between = percents(self.value, self.low, self.high)
        return f"{between}, {count(self.hits)} of {count(self.images)}"


@dataclass(frozen=True)
class Threshold:
    """A class with the probability from which on it is predicted, and what that gives."""

    label: str
    asked: Metric
    target: float
    reached: bool  # else it is the threshold that comes nearest
    threshold: float
    recall: Share
    precision: Share

    @property
    def sentence(self) -> str:
        """The answer."""
        found: dict[Metric, Share] = {"recall": self.recall, "precision": self.precision}
        cost: Metric = "precision" if self.asked == "recall" else "recall"
        where = f"Predict '{self.label}' where its probability is {self.threshold:.6g} or more"
        told = f"{self.asked} {found[self.asked].told()}; {cost} {found[cost].told()}"
        if self.reached:
            return f"{where}: {told}."
        return (
            f"No threshold gives '{self.label}' a {self.asked} of {percent(self.target)}. The best that "
            f"there is: {where[0].lower()}{where[1:]}: {told}."
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "sentence": self.sentence}


@dataclass(frozen=True)
class AtMost:
    """A class where the most probable class is predicted."""

    label: str
    recall: Share
    precision: Share
    average_precision: float  # over all thresholds; NaN where no image is of the class


def threshold(found: OutOfFold, label: str, asked: Metric, target: float) -> Threshold:
    """Choose a class's threshold: of those that reach the target, the one that costs least.

    The images that choose it also say what it gives, so that the figures are a little too good, the more so
    with few images of the class.

    Args:
        found: the predictions.
        label: one of its classes.
        asked: what the target is of.
        target: 0…1.

    Returns:
        The threshold. Among equals it is the one with more of what was asked. Where none reaches the target,
        it is the best that there is.

    Raises:
        ValueError: no image is of the class.
    """
    from sklearn.metrics import precision_recall_curve

    place = found.classes.index(label)
    scores, truth = found.probabilities[:, place], found.labels == place
    if not truth.any():
        raise ValueError(f"no image is of the class '{label}'")
    precision, recall, thresholds = precision_recall_curve(truth, scores)
    curve = {"precision": precision[:-1], "recall": recall[:-1]}  # the last point has no threshold
    wanted, cost = curve[asked], curve["precision" if asked == "recall" else "recall"]
    reached = wanted >= min(target, wanted.max()) - 1e-12
    best = np.lexsort((wanted, cost, reached))[-1]
    predicted = scores >= thresholds[best]
    return Threshold(
        label,
        asked,
        target,
        bool(wanted.max() >= target - 1e-12),
        float(thresholds[best]),
        _share(predicted, truth, found.groups),
        _share(truth, predicted, found.groups),
    )


def at_most(found: OutOfFold) -> list[AtMost]:
    """All classes, where the most probable class is predicted: the lowest F1 first."""
    from sklearn.metrics import average_precision_score

    rows = []
    for place, label in enumerate(found.classes):
        truth, predicted = found.labels == place, found.predicted == place
        average = (
            float(average_precision_score(truth, found.probabilities[:, place])) if truth.any() else np.nan
        )
        recall, precision = (
            _share(predicted, truth, found.groups),
            _share(truth, predicted, found.groups),
        )
        harmony = 2 * int((truth & predicted).sum()) / max(1, int(truth.sum() + predicted.sum()))
        rows.append((harmony, label, AtMost(label, recall, precision, average)))
    return [one for _, _, one in sorted(rows, key=lambda row: row[:2])]


def _share(hit: np.ndarray, among: np.ndarray, groups: np.ndarray) -> Share:
    """Of the images `among`, those that are a `hit`; the interval counts groups, the cautious way."""
    images, hits = int(among.sum()), int((hit & among).sum())
    value = hits / images if images else np.nan
    low, high = wilson(value, len(np.unique(groups[among])))
    return Share(value, low, high, hits, images)
