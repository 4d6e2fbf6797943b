"""tuned.yaml, in git: what the search chose, so that a study needs no search to be repeated."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.files import replacing
from headstart.pipeline.config import file
from headstart.pipeline.config.file import Config
from headstart.pipeline.config.training import Base

FILE = Path("tuned.yaml")
_HEADER = (
    "# Written by `headstart tune`; the stage `study` reads it. To undo it, set tune.enabled to false.\n"
)
_OFF = "# Empty, as tune.enabled is false in params.yaml.\n"
_READS = {"frozen": ("head",), "fine_tune": ("head", "fine_tune"), "scratch": ("scratch",)}


@dataclass(frozen=True)
class Tuned:
    """What the search chose."""

    base: dict[str, Any] = field(default_factory=dict)  # the section `base` of params.yaml
    hyperparameters: dict[str, Any] = field(default_factory=dict)  # by `section.setting`
    seconds: dict[str, float] = field(default_factory=dict)  # wall, of the search, by strategy
    told: str = ""  # the choice in a sentence

    def of(self, strategy: str) -> dict[str, Any]:
        """The hyperparameters of a strategy; empty without a search for it."""
        sections = _READS.get(strategy, ())
        return {name: value for name, value in self.hyperparameters.items() if name.split(".")[0] in sections}


def read(path: Path = FILE) -> Tuned:
    """Read tuned.yaml; where it is absent or empty, nothing was chosen.

    Raises:
        HeadstartError: it is damaged.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if values.get("base"):
            Base.model_validate(values["base"])
        return Tuned(**values)
    except FileNotFoundError:
        return Tuned()
    except (yaml.YAMLError, TypeError, AttributeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise HeadstartError(
            f"{path} is damaged ({first}): restore it with `git checkout {path}`, or run `headstart tune`."
        ) from None


def write(found: Tuned | None, path: Path = FILE) -> None:
    """Write tuned.yaml; None where no search is wanted."""
    text = _OFF if found is None else _HEADER + yaml.safe_dump(asdict(found), sort_keys=False, width=100)
    with replacing(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def load() -> Config:
    """params.yaml with the base that tuned.yaml names: what all that reads the base has to start from."""
    config, tuned = file.load(), read()
    if not tuned.base:
        return config
    return config.model_copy(update={"base": Base.model_validate(tuned.base)})
