"""TFX's executor of run_fn: told where its stores are; a failed training does not end the study."""

from __future__ import annotations

import json
import traceback
from pathlib import Path

from tfx.components.trainer.executor import GenericExecutor
from tfx.components.util import udf_utils

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.executor import Executes, Execution
from headstart.components.shared.predictions import FAILURE, FIGURES
from headstart.components.trainer import observers


class Executor(Executes, GenericExecutor):
    """Runs `run_fn` with `fn_args.images` and, where there is one, `fn_args.activations`.

    A training that fails leaves `{"failure": …}` as its figures: the other cells of the study go on, and
    the study reports it, and removes the folder so that the next run tries again.
    """

    def execute(self, execution: Execution) -> None:
        """Train. A HeadstartError, which the user has to fix, ends the study."""
        arguments = self._GetFnArgs(execution.inputs, execution.outputs, execution.properties)
        arguments.images = str(execution.input_folder("images"))
        if execution.has("activations"):
            arguments.activations = str(execution.input_folder("activations"))
        observers.training_began()
        try:
            udf_utils.get_fn(execution.properties, "run_fn")(arguments)
        except HeadstartError:
            raise
        except Exception as error:
            out = Path(arguments.model_run_dir)
            out.mkdir(parents=True, exist_ok=True)
            first = (str(error).strip().splitlines() or [""])[0][:300]
            failure = {"failure": f"{type(error).__name__}: {first}"}
            (out / FIGURES).write_text(json.dumps(failure) + "\n", encoding="utf-8")
            (out / FAILURE).write_text(traceback.format_exc(), encoding="utf-8")
