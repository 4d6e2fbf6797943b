"""The one module that talks to MLflow: runs, metrics, pictures, models, the registry."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import HeadstartError
from pipeline import pictures, serving
from pipeline.config import Config
from pipeline.outcome import Cell
from pipeline.places import MANIFEST, RUNS
from pipeline.promotion import CHALLENGER, CHAMPION, Decision

if TYPE_CHECKING:
    from mlflow import MlflowClient

_CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "epoch_seconds")
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
    experiment: str, config: Config, cells: list[Cell], tags: dict[str, str], started: float
) -> list[Logged]:
    """Log one pipeline run: a parent run, and one child run a cell.

    Args:
        experiment: id from `reach`.
        config: all parameters.
        cells: what the study found.
        tags: of every run: manifest, data version, git commit, trigger.
        started: when the study began, seconds since 1970.

    Returns:
        One entry a cell. A cell whose model came out of TFX's cache points to the earlier run that
        produced the model, and its own run carries that run's id as the tag `produced_by`.
    """
    import mlflow

    logged = []
    name = time.strftime("study %Y-%m-%d %H:%M", time.localtime(started))
    with _run(experiment, name, started, config, tags) as parent:
        for cell in cells:
            labels = {**tags, **_cell_tags(cell, config), "mlflow.parentRunId": parent}
            first = cell.history[0]
            began = started if cell.cached else float(first["ended"]) - float(first["epoch_seconds"])
            with _run(experiment, cell.name, began, config, labels) as run_id:
                _log_metrics(run_id, cell)
                mlflow.log_figure(pictures.curves(cell), "curves.png")
                mlflow.log_figure(pictures.confusion(cell), "confusion_matrix.png")
                mlflow.log_dict([one.__dict__ for one in cell.slices], "slices.json")
                earlier = _producer(experiment, cell) if cell.cached else None
                logged.append(earlier or _log_model(run_id, cell))
                mlflow.set_tags({"produced_by": logged[-1].run_id, "model_uri": logged[-1].model_uri})
        mlflow.log_metric("test_accuracy", max(cell.metrics["test_accuracy"] for cell in cells))
        mlflow.set_tag("mlflow.note.content", _note(cells))
    return logged


@contextmanager
def _run(experiment: str, name: str, started: float, config: Config, tags: dict[str, str]) -> Iterator[str]:
    """A run that began at `started`, with all parameters and the data set; yields its id."""
    import mlflow

    made = _client().create_run(experiment, start_time=int(started * 1000), tags=tags, run_name=name)
    with mlflow.start_run(run_id=made.info.run_id, nested=True):
        mlflow.log_params(_flat(config.model_dump()))
        _log_dataset(config.dataset, tags["manifest"])
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
        f"tags.model_digest = '{serving.digest(cell.model)}' and tags.model_uri LIKE '%'",
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
    points += [Metric(key, value, now, last if key in _CURVES else 0) for key, value in cell.metrics.items()]
    client = _client()
    for start in range(0, len(points), 1000):  # MLflow's limit for one call
        client.log_batch(run_id, metrics=points[start : start + 1000])


def _log_dataset(name: str, digest: str) -> None:
    import mlflow
    import pandas as pd
    from mlflow.data.pandas_dataset import from_pandas

    frame = pd.read_csv(MANIFEST, dtype=str, keep_default_na=False)
    mlflow.log_input(from_pandas(frame, source=str(MANIFEST), name=name, digest=digest[:12]), context="study")


def _cell_tags(cell: Cell, config: Config) -> dict[str, str]:
    return {
        "strategy": cell.strategy,
        "fraction": f"{cell.fraction:g}",
        "base": f"{config.base.architecture} ({config.base.weights})",
        "model_digest": serving.digest(cell.model),
        "cached": str(cell.cached).lower(),
        "blessed": str(not cell.failures).lower(),
    }


def _note(cells: list[Cell]) -> str:
    """A Markdown table of the cells."""
    head = "| cell | test accuracy (95 %) | macro F1 | training seconds | images |\n|---|---|---|---|---|\n"
    rows = [
        f"| {c.name} | {c.metrics['test_accuracy']:.3f} ({c.overall.low:.3f}–{c.overall.high:.3f}) "
        f"| {c.metrics['test_macro_f1']:.3f} | {c.metrics['train_seconds']:.1f} "
        f"| {c.metrics['labelled_images']:.0f} |"
        for c in cells
    ]
    return head + "\n".join(rows)


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
