"""The tracking server: where it is, and whether it answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.project import RUNS

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Logged:
    """Where a cell's model is in MLflow: the run that produced it, and the model's URI."""

    run_id: str
    model_uri: str


def address() -> str:
    """The tracking server: `MLFLOW_TRACKING_URI`, or a SQLite file in `mlruns/`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(RUNS / 'mlflow.db').resolve()}"


def reach(dataset: str) -> str:
    """Find or make a dataset's experiment; called before any work, so that a dead server costs none.

    Returns:
        The experiment's id.

    Raises:
        HeadstartError: the server does not answer, or refuses.
    """
    # A server that is down should be told in seconds; once it has answered, patience is right again.
    with _environment(MLFLOW_HTTP_REQUEST_MAX_RETRIES="1", MLFLOW_HTTP_REQUEST_TIMEOUT="5"):
        try:
            RUNS.mkdir(exist_ok=True)
            client = connect()
            experiment = client.get_experiment_by_name(dataset)
            if experiment is not None:
                if experiment.lifecycle_stage == "deleted":
                    client.restore_experiment(experiment.experiment_id)
                return experiment.experiment_id
            local = address().startswith("sqlite")
            place = (RUNS / "artifacts" / dataset).resolve().as_uri() if local else None
            # The UI then opens on training runs, not on its pages for language models.
            kind = {"mlflow.experimentKind": "custom_model_development"}
            return client.create_experiment(dataset, artifact_location=place, tags=kind)
        except Exception as error:
            raise HeadstartError(
                f"The MLflow tracking server at {address()} cannot be reached ({_first_line(error)}): "
                "start it, or unset MLFLOW_TRACKING_URI to track in mlruns/."
            ) from error


def connect() -> MlflowClient:
    """A client of the tracking server and of the registry."""
    import mlflow

    mlflow.set_tracking_uri(address())  # the registry looks a model's files up there, not at its client's
    return mlflow.MlflowClient()


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {key: os.environ.get(key) for key in values}
    os.environ.update({key: value for key, value in values.items() if before[key] is None})
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")
