"""`params.yaml` as one typed, frozen configuration; unknown or ill-typed keys are refused."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config.decisions import Gate, Promotion, Thresholds
from headstart.pipeline.config.design import Relatedness, Study
from headstart.pipeline.config.images import Demo, Prepare, Pretrain
from headstart.pipeline.config.schedule import SECRET, Schedule
from headstart.pipeline.config.training import (
    Augment,
    Base,
    FineTune,
    Frozen,
    Gradual,
    Head,
    Scratch,
    Store,
    Textbook,
    Train,
)
from headstart.pipeline.config.tuning import Tune
from headstart.pipeline.config.values import Section
from headstart.pipeline.project import PARAMS


class Beam(Section):
    """Arguments of the Beam runner, as on its command line."""

    args: Annotated[tuple[str, ...], Field(strict=False)]


class Config(Section):
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
    tune: Tune = Tune()
    verdict: Thresholds
    gate: Gate
    promotion: Promotion
    beam: Beam
    schedule: Schedule


_GONE = {
    "prepare.fractions": "The subsets are those of study.fractions and study.full.fractions",
    "gate.max_accuracy_drop": "`headstart promote` compares with the champion, as the section promotion says",
}


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
            f"{path} is not here: run headstart in a project folder, the one with dvc.yaml. "
            "`headstart new` makes one."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        what = getattr(error, "problem", None) or "it is not UTF-8 text"
        raise HeadstartError(f"{where} is not valid YAML ({what}): fix that line.") from None
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
        if key in _GONE:
            problems.append(f"'{key}' is no longer used: delete it. {_GONE[key]}")
        elif item["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(item["loc"][-1]), _names(item["loc"][:-1]), n=1, cutoff=0.0)
            nearest = ".".join([*map(str, item["loc"][:-1]), *near])
            problems.append(f"unknown key '{key}', the nearest valid one is '{nearest}'")
        elif item["type"] == "missing":
            problems.append(f"key '{key}' is missing: `headstart upgrade` adds it")
        elif item["type"] == SECRET:
            problems.append(f"'{key}' {item['msg']}")
        else:
            why = item["msg"].removeprefix("Value error, ")
            problems.append(f"'{key}' is {item['input']!r}, but {why[0].lower()}{why[1:]}")
    return "; ".join(problems) + "."


def _names(location: tuple[Any, ...]) -> list[str]:
    section: type[BaseModel] = Config
    for part in location:
        annotation = section.model_fields[str(part)].annotation
        candidates = [annotation, *get_args(annotation)]
        section = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return list(section.model_fields)
