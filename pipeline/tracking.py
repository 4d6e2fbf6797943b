"""The one module that talks to MLflow: runs, metrics, pictures, models, the registry."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.errors import HeadstartError
from pipeline import pictures
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
                return experiment.experiment_id
            local = address().startswith("sqlite")
            place = (RUNS / "artifacts" / dataset).resolve().as_uri() if local else None
            return client.create_experiment(dataset, artifact_location=place)
        except Exception as error:
            raise HeadstartError(
                f"The MLflow tracking server at {address()} cannot be reached ({_first_line(error)}): "
                "start it, or unset MLFLOW_TRACKING_URI to track in mlruns/."
            ) from error


def log_study(experiment: str, config: Config, cells: list[Cell], tags: dict[str, str]) -> list[Logged]:
    """Log one pipeline run: a parent run, and one child run a cell.

    Args:
        experiment: id from `reach`.
        config: all parameters.
        cells: what the study found.
        tags: of every run: data version, git commit, trigger.

    Returns:
        One entry a cell. A cell whose model came out of TFX's cache points to the earlier run that
        produced the model, and its own run carries that run's id as the tag `produced_by`.
    """
    import mlflow

    mlflow.set_tracking_uri(address())
    logged = []
    with mlflow.start_run(
        experiment_id=experiment, run_name=time.strftime("study %Y-%m-%d %H:%M"), tags=tags
    ):
        mlflow.log_params(_flat(config.model_dump()))
        _log_dataset(config.dataset, tags["manifest"])
        for cell in cells:
            with mlflow.start_run(
                experiment_id=experiment,
                run_name=cell.name,
                nested=True,
                tags={**tags, **_cell_tags(cell, config)},
            ) as run:
                mlflow.log_params(_flat(config.model_dump()))
                _log_dataset(config.dataset, tags["manifest"])
                _log_metrics(run.info.run_id, cell)
                mlflow.log_figure(pictures.curves(cell), "curves.png")
                mlflow.log_figure(pictures.confusion(cell), "confusion_matrix.png")
                mlflow.log_dict([one.__dict__ for one in cell.slices], "slices.json")
                earlier = _producer(experiment, cell)
                logged.append(earlier or _log_model(run.info.run_id, cell))
                mlflow.set_tag("produced_by", logged[-1].run_id)
                mlflow.set_tag("model_uri", logged[-1].model_uri)
        best = max(cells, key=lambda cell: cell.overall.metrics["accuracy"])
        mlflow.log_metrics({"test_accuracy": best.metrics["test_accuracy"]})
        mlflow.set_tag("mlflow.note.content", _note(cells))
    return logged


def register(name: str, logged: Logged, decision: Decision) -> str:
    """Register a model (once) and give it the alias that was decided.

    Returns:
        The version's number.
    """
    client = _client()
    import mlflow

    mlflow.set_tracking_uri(address())
    known = [
        v
        for v in client.search_model_versions(f"name = '{name}'")
        if v.tags.get("model_uri") == logged.model_uri
    ]
    if known:
        number = str(known[0].version)
    else:
        number = str(
            mlflow.register_model(logged.model_uri, name, tags={"model_uri": logged.model_uri}).version
        )
    client.set_model_version_tag(name, number, "decision", decision.reason)
    if decision.promoted and client.get_registered_model(name).aliases.get(CHALLENGER) == number:
        client.delete_registered_model_alias(name, CHALLENGER)
    client.set_registered_model_alias(name, decision.alias, number)
    client.set_tag(logged.run_id, "promotion", f"{decision.alias}: {decision.reason}"[:5000])
    return number


def champion(name: str) -> tuple[str, str] | None:
    """The champion's (version, model URI), or None where there is none."""
    from mlflow.exceptions import MlflowException

    try:
        found = _client().get_model_version_by_alias(name, CHAMPION)
    except MlflowException:
        return None
    return str(found.version), found.tags.get("model_uri", "")


def commit() -> str:
    """The git commit of the project folder, with `-dirty` where it has changes; empty outside git."""
    git = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def serve_ui(port: int) -> None:
    """Run the MLflow UI on the loopback address until it is interrupted."""
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", address()]
    subprocess.run([*command, "--host", "127.0.0.1", "--port", str(port)], check=False)


def _client() -> MlflowClient:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=address())


def _producer(experiment: str, cell: Cell) -> Logged | None:
    """The earliest run of this very model, if one was logged."""
    runs = _client().search_runs(
        [experiment],
        f"tags.tfx_model = '{cell.model}' and tags.model_uri LIKE '%'",
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
    info = mlflow.pyfunc.log_model(
        name=cell.name.replace("%", "-percent").replace(".", "_"),
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
        "tfx_model": str(cell.model),
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
