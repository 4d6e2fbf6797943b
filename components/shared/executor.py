"""What the executors of our own components share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils


@dataclass(frozen=True)
class Execution:
    """One execution of a component: its artifacts, by channel, and its parameters."""

    inputs: dict[str, list[Any]]
    outputs: dict[str, list[Any]]
    properties: dict[str, Any]

    def input(self, name: str) -> Any:
        """The one artifact of an input."""
        return artifact_utils.get_single_instance(self.inputs[name])

    def output(self, name: str) -> Any:
        """The one artifact of an output."""
        return artifact_utils.get_single_instance(self.outputs[name])

    def input_folder(self, name: str) -> Path:
        """Where the one artifact of an input lies."""
        return Path(self.input(name).uri)

    def output_folder(self, name: str) -> Path:
        """Where the one artifact of an output is to be written."""
        return Path(self.output(name).uri)

    def has(self, name: str) -> bool:
        """Whether an optional input was given."""
        return bool(self.inputs.get(name))

    def settings(self, name: str) -> Any:
        """A parameter that is JSON."""
        return json.loads(self.properties[name])


class Executes(ABC):
    """Turns TFX's `Do` into `execute`; goes before TFX's base class."""

    def Do(
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Called by TFX."""
        self.execute(Execution(input_dict, output_dict, exec_properties))

    @abstractmethod
    def execute(self, execution: Execution) -> None:
        """Read the inputs, write the outputs."""
