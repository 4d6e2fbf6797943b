"""What the figures of related-ness say: a verdict, a sentence with the remedy, a ranking of bases."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.components.shared.statistics import mcnemar_two_sided

FILE = "relatedness.json"
RELATED, WEAK, UNRELATED = "related", "weakly related", "not related"
NOT_COMPARED = "not compared"
_SIGNIFICANT = 0.05
_REMEDY = "try another base (base.weights), or train all of this one (the strategy fine_tune)"


@dataclass(frozen=True)
class Relatedness:
    """A base beside the same architecture with random weights; accuracies on the validation split.

    Where there was no comparison, the figures of random weights and the p-value are None.
    """

    base: str
    logme: float
    ridge: float
    centroid: float
    random_logme: float | None
    random_ridge: float | None
    random_centroid: float | None
    images: int  # training images that the probes saw
    validation_images: int
    p_value: float | None  # of the ridge probes' difference, McNemar

    @property
    def verdict(self) -> str:
        """What the difference of the ridge probes is: significantly above, neither, significantly below."""
        if self.p_value is None or self.random_ridge is None:
            return NOT_COMPARED
        if self.p_value >= _SIGNIFICANT or self.ridge == self.random_ridge:
            return WEAK
        return RELATED if self.ridge > self.random_ridge else UNRELATED

    @property
    def sentence(self) -> str:
        """The verdict with its evidence, and what to do about a bad one."""
        evidence = (
            f"a linear probe of its embeddings gets {self.ridge:.1%} of {self.validation_images} validation "
            f"images right"
        )
        if self.p_value is None:
            return (
                f"The base '{self.base}' was not compared with random weights (relatedness.random_images "
                f"is 0): {evidence}."
            )
        evidence += (
            f", one of random weights' embeddings {self.random_ridge:.1%} (McNemar's p {_told(self.p_value)})"
        )
        begin = f"The base '{self.base}' is {self.verdict} to these images: {evidence}"
        if self.verdict == RELATED:
            return f"{begin}."
        if self.verdict == WEAK:
            return (
                f"{begin}: either it helps little here, or these images are so easy that any features do. "
                f"If transfer disappoints, {_REMEDY}."
            )
        return f"{begin}: expect no gain from it, and {_REMEDY}."

    def figures(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return {**asdict(self), "verdict": self.verdict, "sentence": self.sentence}


def rank(bases: dict[str, tuple[float, np.ndarray]]) -> list[dict[str, Any]]:
    """Bases, the best first: by the ridge probe, then by LogME.

    Args:
        bases: by name, LogME and what the ridge probe got right, bool [validation images].

    Returns:
        `base`, `ridge`, `logme`, and `as_good_as_first`: not significantly worse than the first one.
    """
    order = sorted(bases, key=lambda name: (-bases[name][1].mean(), -bases[name][0], name))
    best = bases[order[0]][1]
    return [
        {
            "base": name,
            "ridge": float(bases[name][1].mean()),
            "logme": bases[name][0],
            "as_good_as_first": mcnemar_two_sided(best, bases[name][1]) >= _SIGNIFICANT,
        }
        for name in order
    ]


def write(folder: Path, content: dict[str, Any]) -> None:
    """Write `relatedness.json`: `base` (figures, verdict, sentence) and `ranking`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """A folder's `relatedness.json`."""
    return json.loads((folder / FILE).read_text(encoding="utf-8"))


def _told(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else f"= {p_value:.2g}"
