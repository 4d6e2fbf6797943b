"""Sections about decisions: the verdict, the gate, promotion."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from headstart.pipeline.config.values import Count, Fraction, Section


class Good(Section):
    """Transfer learning is good where all three hold."""

    min_accuracy: Fraction  # exclusive
    max_fraction: Fraction
    min_time_saved: Fraction


class Bad(Section):
    """Transfer learning is bad where one of the three holds."""

    max_accuracy: Fraction  # exclusive
    min_fraction: Fraction
    max_time_saved: Annotated[float, Field(ge=-1.0, le=1.0)]


class Thresholds(Section):
    """Thresholds of the verdict (docs/verdict.md)."""

    good: Good
    bad: Bad
    margin: Fraction  # "as good as" allows this much less accuracy
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)]
    max_overfit_gap: Fraction
    rate_images_needed: bool  # whether `good` also asks for few images to match scratch


class Gate(Section):
    """What a model must reach on the test split to be blessed."""

    min_accuracy: Fraction
    min_class_recall: Fraction
    min_slice_accuracy: Fraction
    min_slice_images: Count


class Promotion(Section):
    """When a blessed candidate replaces the champion."""

    min_images: Annotated[int, Field(ge=2)]
    min_gain: Annotated[float, Field(ge=-1.0, le=1.0)]
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)]
    max_slice_drop: Fraction
    max_latency_ms: Annotated[float, Field(gt=0.0)]
