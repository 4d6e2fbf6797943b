"""What ML Metadata knows of pipeline runs: the nodes' outputs, whether they were cached, when they ran."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd


@dataclass(frozen=True)
class Node:
    """One node of a run, by output key: the artifacts' folders, and their custom properties."""

    cached: bool
    outputs: dict[str, Path]
    properties: dict[str, dict[str, Any]]
    began: float  # the execution that made the outputs, of an earlier run if cached; seconds since 1970
    ended: float
    settings: dict[str, Any] = field(default_factory=dict)  # the component's parameters


def node(database: Path, execution: int) -> Node:
    """One node that has ended.

    Args:
        database: MLMD's SQLite file.
        execution: id of the node's execution.
    """
    store = _store(database)
    (found,) = store.get_executions_by_id([execution])
    return _node(store, found)


def last_run(database: Path) -> dict[str, Node]:
    """The nodes of the latest pipeline run, by node id.

    Args:
        database: MLMD's SQLite file, in which at least one run has ended.
    """
    store = _store(database)
    run = max(store.get_contexts_by_type("pipeline_run"), key=lambda context: context.id)
    nodes = {}
    for execution in store.get_executions_by_context(run.id):
        contexts = store.get_contexts_by_execution(execution.id)
        names = [context.name for context in contexts if context.type == "node"]
        if names and execution.last_known_state in (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED):
            nodes[names[0].split(".", 1)[1]] = _node(store, execution)
    return nodes


def forget(folder: Path) -> None:
    """Remove an artifact's folder: TFX's cache then no longer answers with it, and its node runs again."""
    shutil.rmtree(folder)


def _store(database: Path) -> metadata_store.MetadataStore:
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(database)
    return metadata_store.MetadataStore(config)


def _node(store: metadata_store.MetadataStore, execution: mlmd.Execution) -> Node:
    made = (mlmd.Event.OUTPUT, mlmd.Event.INTERNAL_OUTPUT)  # the latter is what a resolver chose
    events = [e for e in store.get_events_by_execution_ids([execution.id]) if e.type in made]
    artifacts = {a.id: a for a in store.get_artifacts_by_id([event.artifact_id for event in events])}
    found = {e.path.steps[0].key: artifacts[e.artifact_id] for e in events}
    cached = execution.last_known_state == mlmd.Execution.CACHED
    ran = _producer(store, found) if cached else execution
    return Node(
        cached,
        {key: Path(artifact.uri) for key, artifact in found.items()},
        {key: _values(artifact.custom_properties) for key, artifact in found.items()},
        ran.create_time_since_epoch / 1000,
        ran.last_update_time_since_epoch / 1000,
        _values(execution.custom_properties),
    )


def _producer(store: metadata_store.MetadataStore, outputs: dict[str, mlmd.Artifact]) -> mlmd.Execution:
    """The execution that made the outputs: the first of those that had them."""
    events = store.get_events_by_artifact_ids([artifact.id for artifact in outputs.values()])
    first = min(event.execution_id for event in events if event.type == mlmd.Event.OUTPUT)
    (execution,) = store.get_executions_by_id([first])
    return execution


def _values(properties: Any) -> dict[str, Any]:
    return {name: getattr(value, value.WhichOneof("value")) for name, value in properties.items()}
