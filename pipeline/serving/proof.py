"""Placeholder until the serving branch is merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Expected:
    """Recorded."""

    file: Path
    label: str
    probability: float


@dataclass(frozen=True)
class Proof:
    """Shown."""

    images: int
    largest_difference: float
    p50_ms: float
    p99_ms: float
    failures: list[str]


def prove(model: Path, expected: Sequence[Expected], max_latency_ms: float) -> Proof:
    """Try."""
    raise NotImplementedError
