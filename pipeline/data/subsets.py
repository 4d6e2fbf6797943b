"""The subsets of the training images that a study compares, and their files in `subsets/`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.components.shared import subsets
from headstart.components.shared.features import LABEL, PATH, TRAIN
from headstart.pipeline.config.design import Design
from headstart.pipeline.data.manifest import Row
from headstart.pipeline.data.split import subset_size

FOLDER = Path("subsets")


@dataclass(frozen=True)
class Subset:
    """Some of the training images, in one draw of them."""

    fraction: float  # of the training images
    images: int
    per_class: int | None  # images of each class, where that is how the subset was asked for
    draw: int

    @property
    def name(self) -> str:
        """`10%`, `5-a-class`; further draws have their number after it."""
        share = f"{self.fraction:.2%}" if self.fraction < 0.01 else f"{100 * self.fraction:.3g}%"
        size = f"{self.per_class}-a-class" if self.per_class else share
        return f"{size} draw {self.draw + 1}" if self.draw else size

    @property
    def key(self) -> str:
        """The name for folders and nodes."""
        return f"{self._size}.{self.draw}"

    @property
    def file(self) -> Path:
        """The file with its images: `subsets/0.1.csv`, `subsets/5-a-class-draw-2.csv`."""
        draw = f"-draw-{self.draw + 1}" if self.draw else ""
        return FOLDER / f"{self._size}{draw}.csv"

    def choice(self) -> dict[str, Any]:
        """As `components.shared.subsets.read` takes it.

        Raises:
            HeadstartError: its file is not there.
        """
        return {"file": str(self.file), "digest": subsets.digest(self.file)}

    @property
    def _size(self) -> str:
        return f"{self.per_class}-a-class" if self.per_class else f"{self.fraction:g}"


def of(design: Design, rows: Sequence[Row]) -> list[Subset]:
    """The subsets of a study, the largest first; the largest has one draw.

    Those of the same number of images are one. It goes by its fraction, else by the lowest number of images a
    class, as beyond the largest class a higher one adds no image.

    Args:
        design: fractions, images a class, draws.
        rows: the manifest.
    """
    by_size: dict[int, Subset] = {}
    for subset in reversed(_first_draws(design, rows)):
        by_size[subset.images] = subset
    return [
        draw
        for _, subset in sorted(by_size.items(), reverse=True)
        for draw in _draws(subset, design, max(by_size))
    ]


def to_write(designs: Sequence[Design], rows: Sequence[Row]) -> list[Subset]:
    """All subsets that a study of these designs may read, whatever a budget leaves out of it."""
    found: dict[Path, Subset] = {}
    for design in designs:
        firsts = _first_draws(design, rows)
        largest = max(subset.images for subset in firsts)
        found |= {draw.file: draw for subset in firsts for draw in _draws(subset, design, largest)}
    return list(found.values())


def members(subset: Subset, rows: Sequence[Row]) -> list[Row]:
    """The images of a subset, in their order.

    Draw 0 takes them in the order of the manifest's ranks, any other draw in an order of its own.
    """
    training = [row for row in rows if row["split"] == TRAIN]
    places = {row[PATH]: int(row["rank"]) for row in training}
    if subset.draw:
        places = subsets.order(((row[PATH], row[LABEL]) for row in training), f"draw {subset.draw}")
    ordered = sorted(training, key=lambda row: places[row[PATH]])
    if subset.per_class is None:
        return ordered[: subset.images]
    seen: Counter[str] = Counter()
    chosen = []
    for row in ordered:
        seen[row[LABEL]] += 1
        if seen[row[LABEL]] <= subset.per_class:
            chosen.append(row)
    return chosen


def _first_draws(design: Design, rows: Sequence[Row]) -> list[Subset]:
    """Draw 0 of every subset that is asked for: by fraction, the largest first, then by images a class."""
    counts = Counter(row[LABEL] for row in rows if row["split"] == TRAIN)
    total = counts.total()
    by_fraction = [
        Subset(fraction, subset_size(fraction, total, len(counts)), None, 0)
        for fraction in sorted(design.fractions, reverse=True)
    ]
    sizes = {k: sum(min(k, count) for count in counts.values()) for k in sorted(design.images_per_class)}
    return by_fraction + [Subset(images / total, images, k, 0) for k, images in sizes.items()]


def _draws(subset: Subset, design: Design, largest: int) -> list[Subset]:
    count = 1 if subset.images == largest else max(design.draws, design.frozen_draws)
    return [Subset(subset.fraction, subset.images, subset.per_class, draw) for draw in range(count)]
