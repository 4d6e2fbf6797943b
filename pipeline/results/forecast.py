"""What `headstart plan` found: how many more images a target takes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from headstart.pipeline.verdict.words import count, percent, percents


@dataclass(frozen=True)
class Between:
    """A figure with its 80 % range; `high` of a number of images may be infinite."""

    value: float
    low: float
    high: float

    @classmethod
    def from_dict(cls, figures: dict[str, float | None]) -> Between:
        """From JSON, where null stands for infinity."""
        return cls(**{name: math.inf if one is None else one for name, one in figures.items()})


@dataclass(frozen=True)
class Forecast:
    """The answer, with what it rests on."""

    dataset: str
    base: str  # "MobileNetV2, imagenet, 224 px"
    metric: str  # within a sentence: "accuracy", "macro F1", "recall of shirt"
    target: float  # 0…1
    images: int  # training images that there are
    now: Between  # the score with all of them
    needed: Between  # training images in all for the target; infinite where it is not reached
    chance: float  # share of the possible curves that reach the target within `farthest` images
    farthest: int
    there: Between  # the score with so many
    draws: int  # of each number of images that was measured
    head: str  # "upper half, 3 x 3, penalty 100"
    measured: tuple[tuple[int, float], ...]  # training images, score
    curve: tuple[tuple[int, Between], ...]  # training images, score: within the data and beyond them
    milestones: tuple[
        tuple[int, Between], ...
    ]  # the same, with the images that there are, and some times as many
    unusual: str  # how the curve does not fall the usual way, as part of a sentence; or empty

    @property
    def outcome(self) -> str:
        """`reached`, `needs more`, or `not reachable`."""
        if self.now.value >= self.target:
            return "reached"
        return "needs more" if math.isfinite(self.needed.value) else "not reachable"

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        aim = f"{percent(self.target)} {self.metric}"
        now = percents(self.now.value, self.now.low, self.now.high)
        present = f"{now} with the {count(self.images)} training images there are"
        if self.outcome == "reached":
            return f"{aim} is reached: it is {present}."
        if self.outcome == "not reachable":
            there = percents(self.there.value, self.there.low, self.there.high)
            return (
                f"{aim} is not reachable with this base by more images like these: with "
                f"{count(self.farthest)} training images it is {there}."
            )
        open_ended = not math.isfinite(self.needed.high)
        upper = self.farthest if open_ended else self.needed.high
        return (
            f"{aim} takes about {_rounded(self.more(self.needed.value))} more training images like these "
            f"(80 % range: {_rounded(self.more(self.needed.low))} to {'more than ' * open_ended}"
            f"{_rounded(self.more(upper))}); it is {present}."
        )

    @property
    def warning(self) -> str:
        """A sentence where the range cannot be relied on, or empty."""
        if not self.unusual:
            return ""
        return f"The curve does not fall the usual way: {self.unusual}. Do not rely on the range."

    def more(self, needed: float) -> float:
        """Training images beyond those that there are."""
        return max(0.0, needed - self.images)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: all fields, the outcome, the sentence, and the images to add."""
        more = {name: self.more(value) for name, value in asdict(self.needed).items()}
        told = {"outcome": self.outcome, "sentence": self.sentence, "warning": self.warning, "more": more}
        return {**told, **asdict(self)}

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Forecast:
        """From JSON, as `as_dict` gives it."""
        values = {one.name: told[one.name] for one in fields(cls)}
        for name in ("now", "needed", "there"):
            values[name] = Between.from_dict(told[name])
        for name in ("curve", "milestones"):
            values[name] = tuple((images, Between.from_dict(score)) for images, score in told[name])
        values["measured"] = tuple((images, score) for images, score in told["measured"])
        return cls(**values)


@dataclass(frozen=True)
class ClassAdvice:
    """What more images of one class are expected to give."""

    label: str
    images: int  # training images that there are
    more: int  # to label: as many again, as no more can be foreseen in one round
    gain: Between  # in the probability of the right class, every class counting the same, 0…1
    cost: float | None  # of labelling them; None without a price

    @property
    def gain_per_label(self) -> float:
        """By which classes are ordered."""
        return self.gain.value / self.more


@dataclass(frozen=True)
class Photo:
    """A photo to label."""

    path: str  # below the folder
    label: str  # the head's prediction
    probability: float  # of it, 0…1


@dataclass(frozen=True)
class PhotoAdvice:
    """Which photos of a folder to label first."""

    folder: str
    found: int  # photos that can be labelled, near copies among them
    near_copies: int  # of labelled images or of one another, left out
    skipped: dict[str, int]  # files by the reason why they are skipped
    reason: str  # why these photos: "typical" or "uncertain"
    photos: tuple[Photo, ...]  # the one to label first is the first

    @property
    def sentence(self) -> str:
        """What is advised."""
        why = {
            "typical": "they are typical of the folder",
            "uncertain": "the head is unsure of them, and they differ from one another",
        }
        photos = f"{count(len(self.photos))} of {count(self.found)} photos"
        return f"Label these {photos} first: {why[self.reason]}."

    @property
    def left_out(self) -> str:
        """Which files are not among the photos."""
        skipped = "; ".join(f"{reason}: {count(files)}" for reason, files in self.skipped.items())
        return f"Near copies left out: {count(self.near_copies)}. Skipped files: {skipped or 0}."


@dataclass(frozen=True)
class Plan:
    """All that `headstart plan` found."""

    dataset: str
    base: str  # "MobileNetV2, imagenet, 224 px"
    manifest: str  # SHA-256 of the manifest that it is of
    forecasts: tuple[Forecast, ...]  # one for each target
    classes: tuple[ClassAdvice, ...] = ()  # the one to label next is the first; empty if not asked for
    photos: PhotoAdvice | None = None  # None if not asked for

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "dataset": self.dataset,
            "base": self.base,
            "manifest": self.manifest,
            "forecasts": [one.as_dict() for one in self.forecasts],
            "classes": [asdict(one) for one in self.classes],
            "photos": None if self.photos is None else asdict(self.photos),
        }


def _rounded(images: float) -> str:
    """To two digits: the range is far wider than what this drops."""
    step = 10 ** max(0, math.floor(math.log10(max(images, 1))) - 1)
    return count(round(images / step) * step)
