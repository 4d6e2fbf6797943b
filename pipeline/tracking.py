"""The one module that talks to MLflow: runs, metrics, pictures, models, the registry."""

from __future__ import annotations

import io
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import predictions
from components.errors import HeadstartError
from pipeline import serving
from pipeline.config import Config
from pipeline.note import markdown
from pipeline.outcome import Cell, Found
from pipeline.places import MANIFEST, RUNS
from pipeline.promotion import CHALLENGER, CHAMPION, Decision
from pipeline.reports import COLUMNS

if TYPE_CHECKING:
    from mlflow import MlflowClient

_CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "epoch_seconds")
# What every cell has, a reference arm too, so that MLflow compares all of them; the rest is in figures.json.
_FIGURES = (*COLUMNS, "test_top_k_accuracy", "overfit_gap", "labelled_images")
_MODEL = Path(__file__).with_name("mlflow_model.py")


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
            client = _client()
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


def log_study(
    experiment: str, config: Config, found: Found, tags: dict[str, str], started: float, files: list[Path]
) -> Logged:
    """Log one pipeline run: a parent run with the verdict and the report, and one child run a cell.

    Args:
        experiment: id from `reach`.
        config: all parameters.
        found: what the study found.
        tags: of every run: manifest, data version, git commit, trigger.
        started: when the study began, seconds since 1970.
        files: go with the parent.

    Returns:
        Where the candidate's model is. If it came out of TFX's cache, that is the earlier run that produced
        it, and its own run carries that run's id as the tag `produced_by`.
    """
    import mlflow

    name = time.strftime("study %Y-%m-%d %H:%M", time.localtime(started))
    data = _dataset(config.dataset, tags["manifest"])
    settings = config.model_dump()
    with _run(experiment, name, started, settings, data, tags) as parent:
        for cell in found.cells:
            labels = {**tags, **_cell_tags(cell, config), "mlflow.parentRunId": parent}
            first = cell.history[0] if cell.history and not cell.cached else None
            began = float(first["ended"]) - float(first["epoch_seconds"]) if first else started
            own = {"arm": cell.arm, "subset": cell.subset.name, "fraction": cell.subset.fraction}
            own |= {"draw": cell.subset.draw}
            with _run(experiment, cell.name, began, {**own, **settings}, data, labels) as run_id:
                _log_metrics(run_id, cell)
                _log_pictures(cell, found)
                if cell is found.candidate:
                    logged = _log_candidate(experiment, run_id, cell, found)
        numbers = {**found.verdict.measures, "test_accuracy": found.candidate.metrics["test_accuracy"]}
        mlflow.log_metrics({key: value for key, value in numbers.items() if math.isfinite(value)})
        mlflow.set_tags({"verdict": found.verdict.rating, "saving": found.verdict.saving})
        mlflow.set_tag("mlflow.note.content", markdown(found))
        for file in files:
            mlflow.log_artifact(str(file))
    return logged


def _log_pictures(cell: Cell, found: Found) -> None:
    """What a run's page shows: the predictions, the confusion matrix and, of training, the curves."""
    import mlflow

    from pipeline.report import charts

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        predictions.write_rows(out, cell.predictions)
        (out / "figures.json").write_text(json.dumps(cell.figures, indent=2) + "\n", encoding="utf-8")
        (out / "confusion_matrix.png").write_bytes(
            charts.png(charts.confusion(cell.view(), found.labels), 90)
        )
        if cell.history:
            (out / "curves.png").write_bytes(charts.png(charts.training_curves([cell.view()]), 90))
        mlflow.log_artifacts(folder)


def _log_candidate(experiment: str, run_id: str, cell: Cell, found: Found) -> Logged:
    import mlflow

    mlflow.log_dict([one.__dict__ for one in found.evaluation.slices], "slices.json")
    earlier = _producer(experiment, cell) if cell.cached else None
    logged = earlier or _log_model(run_id, cell)
    blessed = str(not found.evaluation.failures).lower()
    mlflow.set_tags(
        {"produced_by": logged.run_id, "model_uri": logged.model_uri, "candidate": "true", "blessed": blessed}
        | {"model_digest": _digest(cell)}
    )
    return logged


@contextmanager
def _run(
    experiment: str, name: str, started: float, settings: dict[str, Any], data: Any, tags: dict[str, str]
) -> Iterator[str]:
    """A run that began at `started`, with all parameters and the data set; yields its id."""
    import mlflow

    made = _client().create_run(experiment, start_time=int(started * 1000), tags=tags, run_name=name)
    with mlflow.start_run(run_id=made.info.run_id, nested=True):
        mlflow.log_params(_flat(settings))
        mlflow.log_input(data, context="study")
        yield made.info.run_id


def register(name: str, logged: Logged, decision: Decision) -> str:
    """Register a model (once) and give it the alias that was decided.

    Returns:
        The version's number.
    """
    client = _client()
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    versions = client.search_model_versions(f"name = '{name}'")
    known = next((v for v in versions if v.tags.get("model_uri") == logged.model_uri), None)
    made = known or client.create_model_version(
        name, logged.model_uri, run_id=logged.run_id, tags={"model_uri": logged.model_uri}
    )
    number = str(made.version)
    client.set_model_version_tag(name, number, "decision", decision.reason)
    if decision.promoted and str(client.get_registered_model(name).aliases.get(CHALLENGER)) == number:
        client.delete_registered_model_alias(name, CHALLENGER)
    client.set_registered_model_alias(name, decision.alias, number)
    client.set_tag(logged.run_id, "promotion", f"{decision.alias}: {decision.reason}"[:5000])
    return number


def champion(name: str) -> tuple[str, str] | None:
    """The champion's (version, model URI), or None where there is none."""
    client = _client()
    aliases = [model.aliases for model in client.search_registered_models(f"name = '{name}'")]
    if not aliases or CHAMPION not in aliases[0]:
        return None
    found = client.get_model_version_by_alias(name, CHAMPION)
    return str(found.version), found.tags.get("model_uri", "")


def saved_model(model_uri: str) -> Path:
    """The SavedModel inside a logged model, fetched where the server is elsewhere."""
    import mlflow

    _client()
    (found,) = Path(mlflow.artifacts.download_artifacts(model_uri)).glob("artifacts/*/saved_model.pb")
    return found.parent


def commit() -> str:
    """The git commit of the project folder, with `-dirty` where it has changes; empty outside git."""
    git = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def ui_address(dataset: str, port: int) -> str:
    """The page of a data set's runs, where there are any."""
    experiment = _client().get_experiment_by_name(dataset)
    server = address() if address().startswith("http") else f"http://127.0.0.1:{port}"
    return server + (f"/#/experiments/{experiment.experiment_id}/runs" if experiment else "")


def serve_ui(port: int) -> None:
    """Run the MLflow UI on the loopback address until it is interrupted; a server has its own."""
    if address().startswith("http"):
        return
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", address()]
    subprocess.run([*command, "--host", "127.0.0.1", "--port", str(port)], check=False)


def _client() -> MlflowClient:
    import mlflow

    mlflow.set_tracking_uri(address())  # the registry looks a model's files up there, not at its client's
    return mlflow.MlflowClient()


def _producer(experiment: str, cell: Cell) -> Logged | None:
    """The earliest run of this very model, if one was logged."""
    runs = _client().search_runs(
        [experiment],
        f"tags.model_digest = '{_digest(cell)}' and tags.model_uri LIKE '%'",
        order_by=["start_time ASC"],
    )
    return next((Logged(run.data.tags["produced_by"], run.data.tags["model_uri"]) for run in runs), None)


def _log_model(run_id: str, cell: Cell) -> Logged:
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
            artifacts={"saved_model": str(cell.model)},
            signature=signature,
            pip_requirements=[f"tensorflow=={version('tensorflow')}", f"pandas=={version('pandas')}"],
        )
    return Logged(run_id, info.model_uri)


def _log_metrics(run_id: str, cell: Cell) -> None:
    """Curves with the time at which each epoch ended, then the figures of the whole cell."""
    from mlflow.entities import Metric

    points = [
        Metric(key, float(row[key]), int(float(row["ended"]) * 1000), int(row["epoch"]))
        for row in cell.history
        for key in _CURVES
    ]
    last = len(cell.history)
    now = int(time.time() * 1000)
    gap = cell.metrics["train_accuracy"] - cell.metrics["val_accuracy"]
    figures = {key: cell.metrics.get(key, gap) for key in _FIGURES}
    points += [Metric(key, value, now, last if key in _CURVES else 0) for key, value in figures.items()]
    client = _client()
    for start in range(0, len(points), 1000):  # MLflow's limit for one call
        client.log_batch(run_id, metrics=points[start : start + 1000])


def _dataset(name: str, digest: str) -> Any:
    import pandas as pd
    from mlflow.data.pandas_dataset import from_pandas

    frame = pd.read_csv(MANIFEST, dtype=str, keep_default_na=False)
    return from_pandas(frame, source=str(MANIFEST), name=name, digest=digest[:12])


def _cell_tags(cell: Cell, config: Config) -> dict[str, str]:
    return {
        "strategy": cell.arm,
        "fraction": f"{cell.subset.fraction:g}",
        "draw": str(cell.subset.draw),
        "base": f"{config.base.architecture} ({config.base.weights})",
        "cached": str(cell.cached).lower(),
    }


def _digest(cell: Cell) -> str:
    assert cell.model is not None
    return serving.digest(cell.model)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat.update(
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {prefix + key: value}
        )
    return flat


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
