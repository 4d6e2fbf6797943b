"""The files of `reports/`: figures for DVC and people, the page, the pictures."""

from __future__ import annotations

import csv
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.components.cross_validation.figures import FILE as OUT_OF_FOLD
from headstart.components.shared.features import LABEL, PATH, TEST
from headstart.pipeline.data.manifest import slice_columns
from headstart.pipeline.project import DATA
from headstart.pipeline.report.paths import CELLS, METRICS, PAGE, SLICES, SUMMARY, VERDICT, write_json
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.results.study import StudyResults

if TYPE_CHECKING:
    from headstart.pipeline.config.training import Base

COLUMNS = (  # figures that every strategy has, a reference too
    "test_accuracy",
    "test_accuracy_low",
    "test_accuracy_high",
    "test_macro_precision",
    "test_macro_recall",
    "test_macro_f1",
    "train_accuracy",
    "val_accuracy",
    "train_seconds",
    "seconds_to_best",
    "cpu_seconds",
    "setup_seconds",
    "tuning_seconds",
)
_HISTORY = ("epoch", "train_loss", "val_loss", "train_accuracy", "val_accuracy")  # as dvc.yaml plots them


def write(
    results: StudyResults, dataset: str, base: Base, rows: list[dict[str, str]], command: str, folder: Path
) -> list[str]:
    """Write everything into a folder that does not exist yet.

    Args:
        results: the study.
        dataset: its name.
        base: the base.
        rows: the manifest.
        command: that ran the study.
        folder: where to.

    Returns:
        Names of the files that belong with the study in MLflow: the page, the pictures, the table of cells.
    """
    folder.mkdir()
    candidate, evaluation = results.candidate, results.evaluation
    write_json(folder / METRICS, candidate.metrics)
    verdict = asdict(results.verdict)
    write_json(
        folder / VERDICT, {**{key: verdict[key] for key in ("rating", "saving", "sentence")}, **verdict}
    )
    write_json(
        folder / SUMMARY,
        {
            "cell": candidate.name,
            "model_digest": candidate.model_digest,
            "cached": candidate.cached,
            "labels": results.labels,
            "failures": evaluation.failures,
            "failed_cells": results.failures,
            **candidate.metrics,
        },
    )
    _csv(folder / CELLS, [_row(cell) for cell in results.cells])
    # A convex fit has no epochs; `dvc plots` then finds the columns, and no row.
    _csv(folder / "history.csv", list(candidate.history), _HISTORY)
    _csv(
        folder / SLICES,
        [
            {"column": s.column, "value": s.value, "images": s.images, "low": s.low, "high": s.high}
            | s.metrics
            for s in evaluation.slices
        ],
    )
    _csv(
        folder / "confusion.csv",  # a row an image, as `dvc plots` wants it
        [{"actual": row["label"], "predicted": row["predicted"]} for row in candidate.predictions],
    )
    if results.cross_validation:  # `headstart threshold` reads it
        shutil.copyfile(results.cross_validation.predictions, folder / OUT_OF_FOLD)
    return [*_page(results, dataset, base, rows, command, folder), VERDICT, CELLS]


def _page(
    results: StudyResults, dataset: str, base: Base, rows: list[dict[str, str]], command: str, folder: Path
) -> list[str]:
    from headstart.pipeline.report import charts, page, planned

    test = [row for row in rows if row["split"] == TEST]
    told = f"{base.architecture}, {Path(base.weights).name}, {base.image_size} px"
    study = page.Study(
        dataset=dataset,
        base=told,
        verdict=results.verdict,
        cells=results.cells,
        classes=results.labels,
        test_images=len(test),
        train_images=sum(row["split"] == "train" for row in rows),
        relatedness=results.relatedness,
        failures=[f"{name} failed: {why}" for name, why in results.failures.items()],
        gate_failures=results.evaluation.failures,
        slices={row[PATH]: {name: row[name] for name in (LABEL, *slice_columns(rows))} for row in test},
        folder=DATA,
        made=time.strftime("%Y-%m-%d %H:%M"),
        command=command,
        cross_validation=results.cross_validation,
        forecasts=planned.forecasts(told),
    )
    (folder / PAGE).write_text(page.render(study), encoding="utf-8")
    shown = [cell for cell in study.compared() if cell is not None] or [results.candidate]
    pictures = {  # dvc.yaml names them
        "learning_curves": charts.learning_curves(results.verdict),
        "accuracy_against_seconds": charts.accuracy_against_seconds(results.verdict),
        "confusion_matrices": charts.confusions(shown, results.labels),
        "training_curves": charts.training_curves(shown),
        "slices": charts.slices(page.weakest_slices(study), shown[0].strategy),
    }
    for name, figure in pictures.items():
        (folder / f"{name}.png").write_bytes(charts.png(figure))
    return [PAGE, *(f"{name}.png" for name in pictures)]


def _row(cell: Cell) -> dict[str, Any]:
    """One row of cells.csv: the same columns for every strategy."""
    subset = cell.subset
    about = {"cell": cell.name, "strategy": cell.strategy, "fraction": subset.fraction, "draw": subset.draw}
    return {**about, "labelled_images": subset.images, **{name: cell.metrics[name] for name in COLUMNS}}


def _csv(path: Path, rows: list[dict[str, Any]], columns: Sequence[str] = ()) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
