"""TFX's executor of run_fn: told where its stores are; a failed training does not end the study."""

from __future__ import annotations

import json
import traceback
from pathlib import Path
from typing import Any

from tfx.components.trainer.executor import GenericExecutor
from tfx.components.util import udf_utils
from tfx.types import artifact_utils

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.predictions import FAILURE, FIGURES


class Executor(GenericExecutor):
    """Runs `run_fn` with `fn_args.images` and, where there is one, `fn_args.activations`.

    A training that fails leaves `{"failure": …}` as its figures: the other cells of the study go on, and
    the study reports it, and removes the folder so that the next run tries again.
    """

    def Do(
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Train. A HeadstartError, which the user has to fix, ends the study."""
        arguments = self._GetFnArgs(input_dict, output_dict, exec_properties)
        try:
            udf_utils.get_fn(exec_properties, "run_fn")(arguments)
        except HeadstartError:
            raise
        except Exception as error:
            out = Path(arguments.model_run_dir)
            out.mkdir(parents=True, exist_ok=True)
            first = (str(error).strip().splitlines() or [""])[0][:300]
            failure = {"failure": f"{type(error).__name__}: {first}"}
            (out / FIGURES).write_text(json.dumps(failure) + "\n", encoding="utf-8")
            (out / FAILURE).write_text(traceback.format_exc(), encoding="utf-8")

    def _GetFnArgs(self, input_dict: dict[str, Any], output_dict: Any, exec_properties: Any) -> Any:
        arguments = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        arguments.images = artifact_utils.get_single_uri(input_dict["images"])
        if "activations" in input_dict:
            arguments.activations = artifact_utils.get_single_uri(input_dict["activations"])
        return arguments
