"""TFX's executor of run_fn, which is told where the store is."""

from __future__ import annotations

from typing import Any

from tfx.components.trainer.executor import GenericExecutor
from tfx.types import artifact_utils


class Executor(GenericExecutor):
    """Passes the store's folder to `run_fn` as `fn_args.activations`."""

    def _GetFnArgs(self, input_dict: dict[str, Any], output_dict: Any, exec_properties: Any) -> Any:
        arguments = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        arguments.activations = artifact_utils.get_single_uri(input_dict["activations"])
        return arguments
