"""Sections about bases, heads and training."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from headstart.pipeline.config.values import Count, Fraction, Rate, Section


class Base(Section):
    """The pretrained base: a `keras.applications` name or `compact`, and where its weights are."""

    architecture: str
    weights: str
    image_size: Annotated[int, Field(ge=8, le=1024)]
    options: dict[str, Any]


class Head(Section):
    """The new layers on top of the base.

    `kind` is that of the frozen strategy: `blocks`, a convex fit on the outputs of several blocks, or
    `dense`, the textbook's. The textbook's and the gradual strategy have the dense one always.
    """

    kind: Literal["blocks", "dense"]
    units: Annotated[int, Field(ge=0)]
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)]


class Augment(Section):
    """Random changes to training images; 0 or false switches one off.

    The baseline and fine-tuning vary the pixels anew at each epoch. `views` is for the textbook's and the
    gradual strategy: it counts the varied copies of each image that are stored, one of them or the image
    itself drawn at each epoch; 0 is none, `online` varies the pixels for them too.
    """

    views: Annotated[int, Field(ge=0, le=1000)] | Literal["online"]
    flip: bool
    shift: Annotated[float, Field(ge=0.0, le=0.5)]
    zoom: Annotated[float, Field(ge=0.0, le=0.9)]
    contrast: Fraction


class Store(Section):
    """The activation store; what would be larger than the budget is trained from the images."""

    budget_gb: Annotated[float, Field(ge=0.0)]


class Frozen(Section):
    """Training of a dense head on the frozen base."""

    epochs: Count
    learning_rate: Rate
    patience: Count


class Textbook(Section):
    """Training the top of the base with a dense head; `unfreeze_depth` counts blocks, -1 is all."""

    epochs: Count
    learning_rate: Rate
    patience: Count
    unfreeze_depth: Annotated[int, Field(ge=-1)]


def _rates(rates: tuple[float, ...]) -> tuple[float, ...]:
    if not rates or any(not 0 < rate < 10 for rate in rates):
        raise ValueError("learning rates must lie in (0, 10), and there must be one")
    return rates


def _deepening(depths: tuple[int, ...]) -> tuple[int, ...]:
    if not depths or depths[0] < 1 or list(depths) != sorted(set(depths)):
        raise ValueError("depths must start at 1 or more and increase")
    return depths


class Gradual(Section):
    """Gradual unfreezing: stage by stage deeper, the learning rate multiplied by `decay` at each."""

    epochs: Count  # of a stage
    learning_rate: Rate
    decay: Annotated[float, Field(gt=0.0, le=1.0)]
    patience: Count
    unfreeze_depths: Annotated[tuple[int, ...], Field(strict=False), AfterValidator(_deepening)]


Rates = Annotated[tuple[float, ...], Field(strict=False), AfterValidator(_rates)]


class FineTune(Section):
    """Training the base from a fitted head; what is `auto` follows the data, and the study says how.

    `unfreeze_depth` counts blocks from the top, -1 is all.
    """

    unfreeze_depth: Annotated[int, Field(ge=-1)] | Literal["auto"]
    batchnorm: Literal["auto", "fixed", "adapting"]
    learning_rates: Rates | Literal["auto"]
    steps: Count | Literal["auto"]
    search_steps: Count  # of each rate
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)]
    weight_decay: Fraction
    clip_norm: Annotated[float, Field(gt=0.0)]
    patience: Count
    patience_steps: Count
    epoch_steps: Count  # an epoch is as many passes as it takes to have at least these steps
    batchnorm_momentum: Annotated[float, Field(ge=0.0, lt=1.0)]


class Scratch(Section):
    """The same architecture from random weights, as well as it can be trained."""

    units: Annotated[int, Field(ge=0)]  # of its head, as in Head
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)]
    epochs: Count
    steps: Count  # of the whole training, at least
    learning_rates: Rates
    search_steps: Count  # of each rate
    weight_decay: Fraction
    patience: Count
    patience_steps: Count
    epoch_steps: Count  # an epoch is as many passes as it takes to have at least these steps
    batchnorm_momentum: Annotated[float, Field(ge=0.0, lt=1.0)]


class Train(Section):
    """What every phase shares."""

    seed: int
    batch_size: Count
    patience_steps: Count
    precision: Literal["auto", "float32", "bfloat16"]
