"""What ML Metadata knows of the last pipeline run: each node's outputs, and whether they were cached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd


@dataclass(frozen=True)
class Node:
    """One node of the last run; `outputs` are artifact folders by output key."""

    cached: bool
    outputs: dict[str, Path]


def last_run(database: Path) -> dict[str, Node]:
    """The nodes of the latest pipeline run, by node id.

    Args:
        database: MLMD's SQLite file, in which at least one run has ended.
    """
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(database)
    store = metadata_store.MetadataStore(config)
    run = max(store.get_contexts_by_type("pipeline_run"), key=lambda context: context.id)
    nodes = {}
    for execution in store.get_executions_by_context(run.id):
        contexts = store.get_contexts_by_execution(execution.id)
        names = [context.name for context in contexts if context.type == "node"]
        if names and execution.last_known_state in (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED):
            nodes[names[0].split(".", 1)[1]] = _node(store, execution)
    return nodes


def _node(store: metadata_store.MetadataStore, execution: mlmd.Execution) -> Node:
    made = (mlmd.Event.OUTPUT, mlmd.Event.INTERNAL_OUTPUT)  # the latter is what a resolver chose
    events = [e for e in store.get_events_by_execution_ids([execution.id]) if e.type in made]
    artifacts = {a.id: a for a in store.get_artifacts_by_id([event.artifact_id for event in events])}
    outputs = {e.path.steps[0].key: Path(artifacts[e.artifact_id].uri) for e in events}
    return Node(execution.last_known_state == mlmd.Execution.CACHED, outputs)
