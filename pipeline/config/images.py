"""Sections about images: the demo's, the source task's, the manifest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headstart.pipeline.config.values import Count, Fraction, Rate, Section

Action = Literal["stop", "warn"]


class Demo(Section):
    """The demo's target task: real handwritten digits set into scenes."""

    seed: int


class Pretrain(Section):
    """The demo's source task and how its base is trained."""

    seed: int
    scenes: Count
    epochs: Count
    batch_size: Count
    learning_rate: Rate
    weight_decay: Fraction


class Prepare(Section):
    """The manifest: splits, the order of the subsets, what is too broken or too different to go on.

    Projects of earlier versions lack the last six.
    """

    seed: int
    validation: Fraction
    test: Fraction
    max_unreadable: Fraction
    new_class: Action = "stop"
    vanished_class: Action = "stop"
    shift: Action = "warn"
    max_shift: Fraction = 0.2
    folds: Annotated[int, Field(ge=2)] = 5
    time: str = ""  # a column of metadata.csv; empty: folds are drawn at random
