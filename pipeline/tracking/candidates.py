"""The models of candidates in MLflow: found by what they are, logged where they are not there yet."""

from __future__ import annotations

import io
import time
from contextlib import redirect_stderr
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from headstart.pipeline.project import trigger
from headstart.pipeline.results.candidate import Candidate
from headstart.pipeline.tracking.client import connect

_SERVED = "headstart.pipeline.tracking.served_model"  # MLflow copies its file; the name is for code digests
_MODEL = Path(__file__).with_name(f"{_SERVED.rpartition('.')[2]}.py")


@dataclass(frozen=True)
class Logged:
    """Where a model is in MLflow: the run that produced it, and the model's URI."""

    run_id: str
    model_uri: str


def find(experiment: str, digest: str) -> Logged | None:
    """The earliest run of this very model, if one was logged.

    Args:
        experiment: id from `client.reach`.
        digest: of the model, from `serving.saved_model.digest`.
    """
    runs = connect().search_runs(
        [experiment],
        f"tags.model_digest = '{digest}' and tags.model_uri LIKE '%'",
        order_by=["start_time ASC"],
    )
    return next((Logged(run.data.tags["produced_by"], run.data.tags["model_uri"]) for run in runs), None)


def log(run_id: str, model: Path, digest: str, ended: float) -> Logged:
    """Log a SavedModel with a run that has ended.

    Args:
        run_id: of the run.
        model: the SavedModel's folder.
        digest: of the model.
        ended: when the training ended, seconds since 1970: MLflow logs a model while a run is active, and
            then takes the present for its end.
    """
    import mlflow

    with mlflow.start_run(run_id=run_id, nested=True):
        logged = Logged(run_id, _log_model(model))
    connect().set_terminated(run_id, "FINISHED", int(1000 * ended))
    tag(run_id, {"model_digest": digest, "model_uri": logged.model_uri, "produced_by": run_id})
    return logged


def log_alone(experiment: str, candidate: Candidate, model: Path) -> Logged:
    """Log a model whose training is not in this tracking store, as in a clone that pulled it.

    Args:
        experiment: id from `client.reach`.
        candidate: its figures.
        model: the SavedModel's folder.
    """
    client, digest = connect(), candidate.model_digest
    tags = {"trigger": trigger("headstart promote"), "candidate": "true", "model_digest": digest}
    tags["blessed"] = str(not candidate.failures).lower()
    begun = client.search_runs(
        [experiment], f"tags.model_digest = '{digest}'"
    )  # by a process that was killed
    run = begun[0] if begun else client.create_run(experiment, run_name=candidate.cell, tags=tags)
    client.log_metric(run.info.run_id, "test_accuracy", candidate.accuracy)
    return log(run.info.run_id, model, digest, time.time())


def tag(run_id: str, tags: dict[str, str]) -> None:
    """Set several tags of a run at once."""
    from mlflow.entities import RunTag

    connect().log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])


def _log_model(model: Path) -> str:
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    signature = ModelSignature(
        Schema([ColSpec("binary", "image")]),
        Schema([ColSpec("string", "label"), ColSpec("double", "probability")]),
    )
    # MLflow advises on type hints in colour, past any warning filter; the signature is given.
    with redirect_stderr(io.StringIO()):
        info = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(_MODEL),
            artifacts={"saved_model": str(model)},
            signature=signature,
            pip_requirements=[f"tensorflow=={version('tensorflow')}", f"pandas=={version('pandas')}"],
        )
    return str(info.model_uri)
