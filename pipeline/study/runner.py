"""Runs the nodes of a TFX pipeline in this process, one after the other, and tells a watcher of each.

TFX's LocalDagRunner tells nobody. This runner is made of the same public parts; tests/pipeline/study/
test_runner.py says what it needs of them.
"""

from __future__ import annotations

import datetime
from typing import Any, Protocol

from tfx.dsl.compiler import constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import data_types, launcher, runtime_parameter_utils, tfx_runner
from tfx.proto.orchestration import pipeline_pb2


class Watcher(Protocol):
    """Is told of the nodes of a run."""

    def begin(self, node: str) -> None:
        """A node is about to be launched; TFX's cache may have its outputs."""

    def end(self, node: str, info: data_types.ExecutionInfo, ran: bool) -> None:
        """A node has its outputs; `ran` is false where the cache or a resolver answered."""


class WatchedRunner(tfx_runner.IrBasedRunner):  # type: ignore[misc]  # TFX has no types
    """Like LocalDagRunner, with a watcher and without partial runs."""

    def __init__(self, watcher: Watcher):
        """Prepare to run."""
        self._watcher = watcher

    def run_with_ir(self, pipeline: pipeline_pb2.Pipeline, run_options: Any = None, **kwargs: Any) -> None:
        """Launch every node of a compiled pipeline, in its order."""
        now = datetime.datetime.now().isoformat()
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: now}
        )
        deployment = runner_utils.extract_local_deployment_config(pipeline)
        chosen = deployment.metadata_connection_config
        connection = getattr(chosen, chosen.WhichOneof("connection_config"))
        for node in pipeline.nodes:
            spec = node.pipeline_node
            name = spec.node_info.id
            self._watcher.begin(name)
            info = launcher.Launcher(
                pipeline_node=spec,
                mlmd_connection=metadata.Metadata(connection),
                pipeline_info=pipeline.pipeline_info,
                pipeline_runtime_spec=pipeline.runtime_spec,
                executor_spec=runner_utils.extract_executor_spec(deployment, name),
                custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, name),
            ).launch()
            # Empty where the cache or a resolver answered.
            self._watcher.end(name, info, ran=bool(getattr(info, "execution_output_uri", None)))
