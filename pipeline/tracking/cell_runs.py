"""What the MLflow run of one cell holds: figures, curves, predictions, pictures."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from headstart.components.shared import predictions
from headstart.pipeline.report.files import COLUMNS
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.tracking.client import connect

_CURVES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "epoch_seconds")
# What every cell has, a reference too, so that MLflow compares all of them; the rest is in figures.json.
_FIGURES = (*COLUMNS, "test_top_k_accuracy", "overfit_gap", "labelled_images")


def log_epochs(run_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Log rows of a history, each at the time at which its epoch ended."""
    from mlflow.entities import Metric

    _log(
        run_id,
        [
            Metric(key, float(row[key]), int(float(row["ended"]) * 1000), int(row["epoch"]))
            for row in rows
            for key in _CURVES
        ],
    )


def log_figures(run_id: str, cell: Cell) -> None:
    """Log the figures of the whole cell, after the last epoch."""
    from mlflow.entities import Metric

    gap = cell.metrics["train_accuracy"] - cell.metrics["val_accuracy"]
    last, now = len(cell.history), int(time.time() * 1000)
    _log(
        run_id,
        [Metric(key, cell.metrics.get(key, gap), now, last if key in _CURVES else 0) for key in _FIGURES],
    )


def log_files(run_id: str, cell: Cell) -> None:
    """Log the predictions, all figures, the confusion matrix and, of training, the curves."""
    from headstart.pipeline.report import charts

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        predictions.write_rows(out, cell.predictions)
        (out / "figures.json").write_text(json.dumps(cell.figures, indent=2) + "\n", encoding="utf-8")
        matrix = charts.confusion(cell, cell.figures["labels"])
        (out / "confusion_matrix.png").write_bytes(charts.png(matrix, 90))
        if cell.history:
            (out / "curves.png").write_bytes(charts.png(charts.training_curves([cell]), 90))
        connect().log_artifacts(run_id, folder)


def log_parameters(run_id: str, settings: Mapping[str, Any]) -> None:
    """Log nested settings under dotted names."""
    from mlflow.entities import Param
    from mlflow.utils import chunk_list
    from mlflow.utils.validation import MAX_PARAMS_TAGS_PER_BATCH

    params = [Param(key, str(value)) for key, value in _flat(settings).items()]
    for part in chunk_list(params, MAX_PARAMS_TAGS_PER_BATCH):
        connect().log_batch(run_id, params=part)


def _log(run_id: str, points: list[Any]) -> None:
    from mlflow.utils import chunk_list
    from mlflow.utils.validation import MAX_METRICS_PER_BATCH

    for part in chunk_list(points, MAX_METRICS_PER_BATCH):
        connect().log_batch(run_id, metrics=part)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat.update(
            _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {prefix + key: value}
        )
    return flat
