"""Where `mlflow-artifacts:` lies for a project that tracks in its own SQLite file: beside that file.

MLflow finds `repository` through the entry point `mlflow.artifact_repository` of this package. Locations
that start with `mlflow-artifacts:` hold no path, so that a project's folder can be moved, copied or mounted
elsewhere. `mlflow server --artifacts-destination mlruns/artifacts` finds the same files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlparse

FOLDER = "artifacts"  # beside the SQLite file
_SQLITE = "sqlite:///"


def folder_of(tracking_uri: str) -> Path | None:
    """The folder of the artifacts of a SQLite file; None for a tracking server."""
    if not tracking_uri.startswith(_SQLITE):
        return None
    return Path(tracking_uri.removeprefix(_SQLITE)).resolve().parent / FOLDER


def repository(artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> Any:
    """MLflow's access to a location: to a local folder where a SQLite file tracks, else to the server."""
    import mlflow
    from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
    from mlflow.store.artifact.mlflow_artifacts_repo import MlflowArtifactsRepository

    folder = folder_of(tracking_uri or mlflow.get_tracking_uri())
    if folder is None:
        return MlflowArtifactsRepository(artifact_uri, tracking_uri, registry_uri)
    path = urlparse(artifact_uri).path.strip("/")
    return LocalArtifactRepository((folder / path).as_uri(), tracking_uri, registry_uri)
