"""What goes into the verdict and what comes out of it, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from headstart.components.shared.strategies import names

SCRATCH = "scratch"
TRANSFER = names("transfer")
# References, on pixels or features: what a sceptic would ask for.
PIXELS_LOGISTIC = "pixels_logistic"
PIXELS_SVM = "pixels_svm"
EMBEDDINGS_LOGISTIC = "embeddings_logistic"
RANDOM_LOGISTIC = "random_embeddings_logistic"
REFERENCES = (PIXELS_LOGISTIC, PIXELS_SVM, EMBEDDINGS_LOGISTIC, RANDOM_LOGISTIC)
CONVEX = (PIXELS_LOGISTIC, PIXELS_SVM, EMBEDDINGS_LOGISTIC)  # fits that no seed changes
SIMPLE = (EMBEDDINGS_LOGISTIC, *names("simple"))  # what most people would do instead
CONTROLS = names("control")


@dataclass(frozen=True)
class Result:
    """One cell: a strategy on one subset, in one draw of it."""

    strategy: str
    fraction: float  # of the training images
    images: int  # labelled images
    draw: int  # draws of the same number hold the same images in every strategy
    correct: np.ndarray  # bool [test images], the same images in the same order in every cell
    train_accuracy: float
    val_accuracy: float
    seconds: float  # wall, of the whole training, its share of the embedding included; no imports, no tracing
    seconds_to_best: float  # wall, until the weights that were kept
    cpu_seconds: float  # of the whole training
    setup_seconds: float = 0.0  # wall, one-off costs besides: building, tracing
    tuning_seconds: float = 0.0  # wall, the strategy's own search, besides
    # A row an epoch: seconds so far, train loss, validation loss, validation accuracy; empty for references.
    history: tuple[tuple[float, float, float, float], ...] = ()
    val_images: int = 0  # of the validation split; 0 where unknown: as many as test images are supposed
    convex: bool = False  # a fit that no seed changes: its draws differ by the images drawn alone

    @property
    def accuracy(self) -> float:
        """On the test split, 0…1."""
        return int(np.count_nonzero(self.correct)) / len(self.correct)

    @property
    def all_seconds(self) -> float:
        """Wall, the one-off costs included; the strategy's own search is not."""
        return self.seconds + self.setup_seconds

    @property
    def seconds_with_search(self) -> float:
        """Wall, of the whole training and of the search before it."""
        return self.seconds + self.tuning_seconds


@dataclass(frozen=True)
class Interval:
    """An estimate between its bounds; bounds are infinite where there is no telling."""

    value: float
    low: float
    high: float


State = Literal["held", "failed", "undecided"]
Saving = Literal["proven", "by point estimate", "none"]
# Where the spread of the draws in an interval is from: the row's own draws, other cells of the study, a
# documented assumption where no cell has two draws; "none" where the fit has no seed and all images are in.
Origin = Literal["own", "borrowed", "assumed", "none"]


@dataclass(frozen=True)
class Clause:
    """One condition of R4: `good` needs all of its own held, one of `bad`'s held is enough."""

    side: Literal["good", "bad"]
    name: str  # accuracy | data | time
    asked: str  # "above 85 % on at most 10 % of the images"
    figure: str  # "90.1 % (86.2 to 93.0 %) on 126 images"
    state: State
    value: float | None = None  # the figure as a number; None where there is none
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Row:
    """A strategy on one subset, over its draws; seconds are medians."""

    strategy: str
    fraction: float
    images: int
    draws: int
    accuracy: float  # median over the draws
    accuracy_min: float
    accuracy_max: float
    low: float  # interval of the expected accuracy: Wilson's, with the spread of the draws
    high: float
    seconds: float
    seconds_min: float
    seconds_max: float
    seconds_to_best: float
    cpu_seconds: float
    setup_seconds: float
    tuning_seconds: float
    spread: Origin = "own"


@dataclass(frozen=True)
class Comparison:
    """A transfer strategy against another strategy on the same images: accuracy, transfer less the other."""

    strategy: str
    fraction: float
    images: int
    difference: Interval
    p_value: float  # where there is one draw, no less than that of McNemar's exact test
    adjusted: float  # the same after Holm, over the comparisons that are tested together
    verdict: Literal["better", "worse", "no difference shown"]
    only_transfer: int  # test images, over the draws, that transfer alone gets right
    only_scratch: int  # that the other strategy alone gets right
    against: str = SCRATCH  # the other strategy


@dataclass(frozen=True)
class Collapse:
    """A training run that seems to have collapsed: worth repeating."""

    strategy: str
    fraction: float
    images: int
    draw: int
    lost: float  # accuracy, below another draw or below fewer images
    sentence: str


@dataclass(frozen=True)
class Overfit:
    """What a cell shows of overfitting; `signs` is empty where there is none."""

    strategy: str
    fraction: float
    draw: int
    gap: float  # training less validation accuracy
    signs: tuple[str, ...]  # sentences


@dataclass(frozen=True)
class LearningCurve:
    """error(n) = alpha + eta n^gamma, fitted (Hoiem et al., arXiv:2010.11029)."""

    strategy: str
    alpha: float
    eta: float
    gamma: float
    error: float  # e_N, at the largest subset
    data_reliance: float  # beta_N = -2 gamma eta N^gamma
    residual: float  # root mean square, accuracy
    weak: str  # why the fit should not be leant on, or empty


@dataclass(frozen=True)
class Verdict:
    """The answer, and the evidence; `sentence` is what a reader sees first."""

    rating: Literal["good", "mixed", "bad"]
    saving: Saving  # fewer images and less time for the accuracy of scratch on everything
    sentence: str
    strategy: str  # the transfer strategy that was judged: the best on the validation split
    clauses: tuple[Clause, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]  # every transfer strategy against scratch: two-sided
    negative: tuple[
        str, ...
    ]  # a sentence a subset: scratch is significantly better than transfer at its best
    confidence: float  # of the intervals in rows and comparisons
    overfitting: tuple[Overfit, ...]
    curves: tuple[LearningCurve, ...]
    cheapest: str  # sentence: the cheapest strategy within error of the best
    notes: tuple[str, ...]  # sentences: what could not be measured or is weak
    # Flat numbers for DVC and MLflow; a measure that cannot be had is absent. time_saved, data_saved,
    # accuracy_gain, jump_start, asymptotic_advantage, …: docs/verdict.md defines each.
    measures: dict[str, float] = field(default_factory=dict)
    # Transfer at its best on each subset, chosen on validation: one-sided tests that it is worse.
    headline: tuple[Comparison, ...] = ()  # than scratch
    simple: tuple[Comparison, ...] = ()  # than the best of SIMPLE
    findings: tuple[str, ...] = ()  # sentences: the images needed, the simple ways, the controls
    collapsed: tuple[Collapse, ...] = ()  # runs that are worth repeating
