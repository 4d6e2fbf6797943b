"""A study as MLflow runs: a parent with the verdict and the report, a child run for each cell."""

from __future__ import annotations

import io
import json
import math
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from importlib.metadata import version
from pathlib import Path
from typing import Any

from headstart.components.shared import predictions
from headstart.pipeline.config.file import Config
from headstart.pipeline.project import MANIFEST
from headstart.pipeline.report.files import COLUMNS
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.results.study import StudyResults
from headstart.pipeline.serving import models
from headstart.pipeline.tracking.client import Logged, connect
from headstart.pipeline.tracking.description import markdown

_CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "epoch_seconds")
# What every cell has, a reference too, so that MLflow compares all of them; the rest is in figures.json.
_FIGURES = (*COLUMNS, "test_top_k_accuracy", "overfit_gap", "labelled_images")
_SERVED = "headstart.pipeline.tracking.served_model"  # MLflow copies its file; the name is for code digests
_MODEL = Path(__file__).with_name(f"{_SERVED.rpartition('.')[2]}.py")


def log_study(
    experiment: str,
    config: Config,
    results: StudyResults,
    tags: dict[str, str],
    started: float,
    files: list[Path],
) -> Logged:
    """Log one pipeline run: a parent run with the verdict and the report, and one child run a cell.

    Args:
        experiment: id from `reach`.
        config: all parameters.
        results: of the study.
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
        for cell in results.cells:
            labels = {**tags, **_cell_tags(cell, config), "mlflow.parentRunId": parent}
            first = cell.history[0] if cell.history and not cell.cached else None
            began = float(first["ended"]) - float(first["epoch_seconds"]) if first else started
            own = {"strategy": cell.strategy, "subset": cell.subset.name, "fraction": cell.subset.fraction}
            own |= {"draw": cell.subset.draw}
            with _run(experiment, cell.name, began, {**own, **settings}, data, labels) as run_id:
                _log_metrics(run_id, cell)
                _log_pictures(cell, results)
                if cell is results.candidate:
                    logged = _log_candidate(experiment, run_id, cell, results)
        numbers = {**results.verdict.measures, "test_accuracy": results.candidate.metrics["test_accuracy"]}
        mlflow.log_metrics({key: value for key, value in numbers.items() if math.isfinite(value)})
        mlflow.set_tags({"verdict": results.verdict.rating, "saving": results.verdict.saving})
        mlflow.set_tag("mlflow.note.content", markdown(results))
        for file in files:
            mlflow.log_artifact(str(file))
        for failed, reason in results.failures.items():
            _log_failure(experiment, failed, reason, {**tags, "mlflow.parentRunId": parent})
    if results.failures and not config.study.tolerate_failures:
        connect().set_terminated(parent, "FAILED")
    return logged


def _log_failure(experiment: str, name: str, reason: str, tags: dict[str, str]) -> None:
    """A run for a cell that failed, with the reason on its page."""
    tags = {**tags, "failure": reason[:5000], "mlflow.note.content": reason[:5000]}
    run = connect().create_run(experiment, tags=tags, run_name=name)
    connect().set_terminated(run.info.run_id, "FAILED")


def _log_pictures(cell: Cell, results: StudyResults) -> None:
    """What a run's page shows: the predictions, the confusion matrix and, of training, the curves."""
    import mlflow

    from headstart.pipeline.report import charts

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        predictions.write_rows(out, cell.predictions)
        (out / "figures.json").write_text(json.dumps(cell.figures, indent=2) + "\n", encoding="utf-8")
        (out / "confusion_matrix.png").write_bytes(charts.png(charts.confusion(cell, results.labels), 90))
        if cell.history:
            (out / "curves.png").write_bytes(charts.png(charts.training_curves([cell]), 90))
        mlflow.log_artifacts(folder)


def _log_candidate(experiment: str, run_id: str, cell: Cell, results: StudyResults) -> Logged:
    import mlflow

    mlflow.log_dict([one.__dict__ for one in results.evaluation.slices], "slices.json")
    earlier = _producer(experiment, cell) if cell.cached else None
    logged = earlier or _log_model(run_id, cell)
    blessed = str(not results.evaluation.failures).lower()
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

    made = connect().create_run(experiment, start_time=int(started * 1000), tags=tags, run_name=name)
    with mlflow.start_run(run_id=made.info.run_id, nested=True):
        mlflow.log_params(_flat(settings))
        mlflow.log_input(data, context="study")
        yield made.info.run_id


def _producer(experiment: str, cell: Cell) -> Logged | None:
    """The earliest run of this very model, if one was logged."""
    runs = connect().search_runs(
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
    client = connect()
    for start in range(0, len(points), 1000):  # MLflow's limit for one call
        client.log_batch(run_id, metrics=points[start : start + 1000])


def _dataset(name: str, digest: str) -> Any:
    import pandas as pd
    from mlflow.data.pandas_dataset import from_pandas

    frame = pd.read_csv(MANIFEST, dtype=str, keep_default_na=False)
    return from_pandas(frame, source=str(MANIFEST), name=name, digest=digest[:12])


def _cell_tags(cell: Cell, config: Config) -> dict[str, str]:
    return {
        "strategy": cell.strategy,
        "fraction": f"{cell.subset.fraction:g}",
        "draw": str(cell.subset.draw),
        "base": f"{config.base.architecture} ({config.base.weights})",
        "cached": str(cell.cached).lower(),
    }


def _digest(cell: Cell) -> str:
    assert cell.model is not None
    return models.digest(cell.model)


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat.update(
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {prefix + key: value}
        )
    return flat
