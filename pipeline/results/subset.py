"""A subset of the training images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
        """The name for files and nodes."""
        size = f"{self.per_class}-a-class" if self.per_class else f"{self.fraction:g}"
        return f"{size}.{self.draw}"

    def choice(self) -> dict[str, Any]:
        """As `components.shared.subsets.choose` takes it."""
        return {
            "images": None if self.per_class else self.images,
            "per_class": self.per_class,
            "draw": self.draw,
        }
