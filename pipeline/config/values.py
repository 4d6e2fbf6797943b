"""What the sections of `params.yaml` are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Rate = Annotated[float, Field(gt=0.0, lt=10.0)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """Frozen; strict about types and unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def increasing(fractions: tuple[float, ...]) -> tuple[float, ...]:
    """Refuse fractions outside (0, 1] and those that do not increase."""
    if any(not 0 < f <= 1 for f in fractions) or list(fractions) != sorted(set(fractions)):
        raise ValueError("fractions must lie in (0, 1] and increase")
    return fractions
