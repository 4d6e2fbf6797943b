"""`params.yaml` as one typed, frozen configuration; unknown or ill-typed keys are refused."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from components.errors import HeadstartError

PARAMS = Path("params.yaml")

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Rate = Annotated[float, Field(gt=0.0, lt=10.0)]
Count = Annotated[int, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _increasing(fractions: tuple[float, ...]) -> tuple[float, ...]:
    if any(not 0 < f <= 1 for f in fractions) or list(fractions) != sorted(set(fractions)):
        raise ValueError("fractions must lie in (0, 1] and increase")
    return fractions


class Demo(_Section):
    """The demo's target task: real handwritten digits set into scenes."""

    seed: int


class Pretrain(_Section):
    """The demo's source task and how its base is trained."""

    seed: int
    scenes: Count
    epochs: Count
    batch_size: Count
    learning_rate: Rate
    weight_decay: Fraction


class Prepare(_Section):
    """The manifest: splits, nested subsets, what is too broken to go on."""

    seed: int
    validation: Fraction
    test: Fraction
    fractions: Annotated[tuple[float, ...], Field(strict=False), AfterValidator(_increasing)]
    max_unreadable: Fraction


class Base(_Section):
    """The pretrained base: a `keras.applications` name or `compact`, and where its weights are."""

    architecture: str
    weights: str
    image_size: Annotated[int, Field(ge=8, le=1024)]
    options: dict[str, Any]


class Head(_Section):
    """The new layers on top of the base.

    `kind` is that of the frozen strategy: `blocks`, a convex fit on the outputs of several blocks, or
    `dense`, the textbook's. The textbook's and the gradual strategy have the dense one always.
    """

    kind: Literal["blocks", "dense"]
    units: Annotated[int, Field(ge=0)]
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)]


class Augment(_Section):
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


class Store(_Section):
    """The activation store; what would be larger than the budget is trained from the images."""

    budget_gb: Annotated[float, Field(ge=0.0)]


class Frozen(_Section):
    """Training of a dense head on the frozen base."""

    epochs: Count
    learning_rate: Rate
    patience: Count


class Textbook(_Section):
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


class Gradual(_Section):
    """Gradual unfreezing: stage by stage deeper, the learning rate multiplied by `decay` at each."""

    epochs: Count  # of a stage
    learning_rate: Rate
    decay: Annotated[float, Field(gt=0.0, le=1.0)]
    patience: Count
    unfreeze_depths: Annotated[tuple[int, ...], Field(strict=False), AfterValidator(_deepening)]


Rates = Annotated[tuple[float, ...], Field(strict=False), AfterValidator(_rates)]


class FineTune(_Section):
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


class Scratch(_Section):
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


class Train(_Section):
    """What every phase shares."""

    seed: int
    batch_size: Count
    patience_steps: Count
    precision: Literal["auto", "float32", "bfloat16"]


Strategy = Literal["frozen", "fine_tune", "gradual", "textbook", "scratch", "random_blocks", "scratch_blocks"]


CONTROLS = ("random_blocks", "scratch_blocks")  # strategies that only explain: never promoted


def _with_a_model(strategies: tuple[Strategy, ...]) -> tuple[Strategy, ...]:
    if all(strategy in CONTROLS for strategy in strategies):
        raise ValueError(f"there must be one that makes a model; {' and '.join(CONTROLS)} are controls")
    return strategies


class Design(_Section):
    """Which cells a study has: strategies x subsets, every subset but the largest in several draws.

    A head that sees the blocks takes seconds to fit, so it has draws of its own number.
    """

    strategies: Annotated[tuple[Strategy, ...], Field(strict=False), AfterValidator(_with_a_model)]
    fractions: Annotated[tuple[float, ...], Field(strict=False, min_length=1), AfterValidator(_increasing)]
    images_per_class: Annotated[tuple[Count, ...], Field(strict=False)]
    draws: Count
    frozen_draws: Count
    references: bool


class Study(Design):
    """The study that `dvc repro` runs; `full` is the one of `headstart study --full`.

    `budget_minutes` is for either: the largest part of the study that is predicted to fit runs; 0 is no
    limit.
    """

    budget_minutes: Annotated[float, Field(ge=0.0)]
    full: Design


class Good(_Section):
    """Transfer learning is good where all three hold."""

    min_accuracy: Fraction  # exclusive
    max_fraction: Fraction
    min_time_saved: Fraction


class Bad(_Section):
    """Transfer learning is bad where one of the three holds."""

    max_accuracy: Fraction  # exclusive
    min_fraction: Fraction
    max_time_saved: Annotated[float, Field(ge=-1.0, le=1.0)]


class Thresholds(_Section):
    """Thresholds of the verdict (docs/verdict.md)."""

    good: Good
    bad: Bad
    margin: Fraction  # "as good as" allows this much less accuracy
    confidence: Annotated[float, Field(gt=0.5, lt=1.0)]
    max_overfit_gap: Fraction
    rate_images_needed: bool  # whether `good` also asks for few images to match scratch


class Candidate(_Section):
    """Another base, at the image size of the section `base`."""

    architecture: str
    weights: str
    options: dict[str, Any] = {}


class Relatedness(_Section):
    """Probes of bases before training: other bases to rank, images that random weights embed."""

    candidates: Annotated[tuple[Candidate, ...], Field(strict=False)]
    random_images: Annotated[int, Field(ge=20)]


class Gate(_Section):
    """What a model must reach on the test split to be blessed."""

    min_accuracy: Fraction
    max_accuracy_drop: Fraction
    min_class_recall: Fraction
    min_slice_accuracy: Fraction
    min_slice_images: Count


class Promotion(_Section):
    """When a blessed candidate replaces the champion."""

    min_gain: Annotated[float, Field(ge=-1.0, le=1.0)]


class Beam(_Section):
    """Arguments of the Beam runner, as on its command line."""

    args: Annotated[tuple[str, ...], Field(strict=False)]


class Config(_Section):
    """All of `params.yaml`."""

    dataset: Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")]
    demo: Demo
    pretrain: Pretrain
    prepare: Prepare
    base: Base
    head: Head
    augment: Augment
    store: Store
    fine_tune: FineTune
    frozen: Frozen
    textbook: Textbook
    gradual: Gradual
    scratch: Scratch
    train: Train
    study: Study
    relatedness: Relatedness
    verdict: Thresholds
    gate: Gate
    promotion: Promotion
    beam: Beam


def load(path: Path = PARAMS) -> Config:
    """Read and check a parameter file.

    Raises:
        HeadstartError: the file is absent, is not YAML, or has a missing, unknown or ill-typed key; the
            message names the file, the key and, for an unknown key, the nearest valid one.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HeadstartError(
            f"{path} is not here: run headstart in the project folder, the one with dvc.yaml."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        what = getattr(error, "problem", None) or "it is not UTF-8 text"
        raise HeadstartError(f"{where} is not valid YAML ({what}): mend that line.") from None
    if not isinstance(values, dict):
        raise HeadstartError(f"{path} holds no parameters: restore it with `git checkout {path}`.")
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise HeadstartError(f"{path}: {_explain(error)}") from None


def _explain(error: ValidationError) -> str:
    problems = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(item["loc"][-1]), _names(item["loc"][:-1]), n=1, cutoff=0.0)
            nearest = ".".join([*map(str, item["loc"][:-1]), *near])
            problems.append(f"unknown key '{key}', the nearest valid one is '{nearest}'")
        elif item["type"] == "missing":
            problems.append(f"key '{key}' is missing")
        else:
            problems.append(f"'{key}' is {item['input']!r}, but {item['msg'][0].lower()}{item['msg'][1:]}")
    return "; ".join(problems) + "."


def _names(location: tuple[Any, ...]) -> list[str]:
    section: type[BaseModel] = Config
    for part in location:
        annotation = section.model_fields[str(part)].annotation
        candidates = [annotation, *get_args(annotation)]
        section = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return list(section.model_fields)
