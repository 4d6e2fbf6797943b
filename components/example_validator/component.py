"""TFX's ExampleValidator, with an executor that stops the run."""

from __future__ import annotations

from tfx.components import ExampleValidator
from tfx.dsl.components.base import executor_spec

from headstart.components.example_validator.executor import Executor


class StoppingExampleValidator(ExampleValidator):
    """Like ExampleValidator, but anomalies are an error, not an artifact that nobody reads."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
