"""Sections about what a study runs: strategies, subsets, draws, probes of bases."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from headstart.components.shared.strategies import names
from headstart.pipeline.config.values import Count, Section, increasing


def _with_a_model(strategies: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := sorted(set(strategies) - set(names())):
        raise ValueError(f"there is no strategy {unknown[0]}; there are {', '.join(names())}")
    controls = names("control")
    if all(strategy in controls for strategy in strategies):
        raise ValueError(f"there must be one that makes a model; {' and '.join(controls)} are controls")
    return strategies


class Design(Section):
    """Which cells a study has: strategies x subsets, every subset but the largest in several draws.

    A head that sees the blocks takes seconds to fit, so it has draws of its own number.
    """

    strategies: Annotated[tuple[str, ...], Field(strict=False), AfterValidator(_with_a_model)]
    fractions: Annotated[tuple[float, ...], Field(strict=False, min_length=1), AfterValidator(increasing)]
    images_per_class: Annotated[tuple[Count, ...], Field(strict=False)]
    draws: Count
    frozen_draws: Count
    references: bool


class Study(Design):
    """The study that `dvc repro` runs; `full` is the one of `headstart study --full`.

    `budget_minutes` is for either: the largest part of the study that is predicted to fit runs; 0 is no
    limit. With `tolerate_failures` a study whose cells did not all train still counts as done.
    """

    budget_minutes: Annotated[float, Field(ge=0.0)]
    tolerate_failures: bool = False
    full: Design


class Candidate(Section):
    """Another base, at the image size of the section `base`."""

    architecture: str
    weights: str
    options: dict[str, Any] = {}


def _none_or_enough(images: int) -> int:
    if images and images < 20:
        raise ValueError("it must be 0 (off) or at least 20")
    return images


class Relatedness(Section):
    """Probes of bases before training: other bases to rank, images that random weights embed."""

    candidates: Annotated[tuple[Candidate, ...], Field(strict=False)]
    random_images: Annotated[int, AfterValidator(_none_or_enough)]
