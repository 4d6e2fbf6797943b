"""The tracking server: where it is, whether it answers, and whether it takes files."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.project import RUNS

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PROBE = "probe.txt"


def address() -> str:
    """The tracking server: `MLFLOW_TRACKING_URI`, or a SQLite file in `mlruns/`."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(RUNS / 'mlflow.db').resolve()}"


def is_new() -> bool:
    """Whether nothing was ever tracked here, as in a clone."""
    return address().startswith("sqlite") and not (RUNS / "mlflow.db").is_file()


def reach(dataset: str) -> str:
    """Find or make a dataset's experiment, and write a file there.

    To be called before any work, so that a server that is down, or a folder that cannot be written, costs
    none.

    Returns:
        The experiment's id.

    Raises:
        HeadstartError: the server does not answer, or refuses; its artifacts cannot be written.
    """
    # With a server that is down, fail within seconds. Later calls have MLflow's own patience.
    with impatient():
        try:
            RUNS.mkdir(exist_ok=True)
            experiment = _experiment(dataset)
        except Exception as error:
            raise HeadstartError(
                f"The MLflow tracking server at {address()} cannot be reached ({first_line(error)}): "
                "start it, or unset MLFLOW_TRACKING_URI to track in mlruns/."
            ) from error
        _probe(experiment.artifact_location)
        return str(experiment.experiment_id)


def connect() -> MlflowClient:
    """A client of the tracking server and of the registry."""
    import mlflow

    mlflow.set_tracking_uri(address())  # the registry looks a model's files up there, not at its client's
    return mlflow.MlflowClient()


def first_line(error: Exception) -> str:
    """What an error of MLflow says, without its traceback."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200].rstrip(".")


def _experiment(dataset: str):  # type: ignore[no-untyped-def]  # MLflow's Experiment
    client = connect()
    found = client.get_experiment_by_name(dataset)
    if found is None:
        # No path, so that the project can be moved (tracking/artifacts.py). A server has its own place.
        name = re.sub(r"[^A-Za-z0-9._-]", "_", dataset)
        place = f"mlflow-artifacts:/{name}" if address().startswith("sqlite") else None
        kind = {"mlflow.experimentKind": "custom_model_development"}  # of models, not of prompts
        found = client.get_experiment(client.create_experiment(dataset, artifact_location=place, tags=kind))
    elif found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    elif address().startswith("sqlite") and found.artifact_location.startswith("file:"):
        # An earlier version kept a path, at which a project that was moved would write.
        client.rename_experiment(found.experiment_id, f"{dataset} (until {time.strftime('%Y-%m-%d %H:%M')})")
        return _experiment(dataset)
    return found


def _probe(location: str) -> None:
    """Write a small file where artifacts go, and remove it."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / _PROBE
            file.write_text("headstart writes this to see whether it can.\n", encoding="utf-8")
            store = get_artifact_repository(location)
            store.log_artifact(str(file))
    except Exception as error:
        raise HeadstartError(
            f"MLflow's artifacts at {location} cannot be written ({first_line(error)}): free space there or "
            "give this user the right to write, or name another server in MLFLOW_TRACKING_URI."
        ) from error
    try:
        store.delete_artifacts(_PROBE)
    except Exception:  # some stores delete nothing; the file then stays, one for each experiment
        return


@contextmanager
def impatient() -> Iterator[None]:
    """Inside this a server that does not respond costs seconds, not MLflow's minutes."""
    with _environment(MLFLOW_HTTP_REQUEST_MAX_RETRIES="1", MLFLOW_HTTP_REQUEST_TIMEOUT="5"):
        yield


@contextmanager
def responding() -> Iterator[None]:
    """Inside this a failure of the tracking store is a sentence for the user.

    Raises:
        HeadstartError: a request failed.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        raise HeadstartError(
            f"MLflow at {address()} failed ({first_line(error)}). What was trained is kept: remove the "
            "cause, and run the command again."
        ) from error


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
