"""What a study leaves in `reports/`: figures for DVC and people, the page, the table on the screen."""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from components.errors import HeadstartError
from components.features import LABEL, MANIFEST_COLUMNS, PATH, TEST
from pipeline.config import Config
from pipeline.outcome import Cell, Found
from pipeline.places import DATA, REPORTS
from pipeline.verdict.words import STATES, percent, percents, seconds

METRICS = REPORTS / "metrics.json"
VERDICT = REPORTS / "verdict.json"
SUMMARY = REPORTS / "summary.json"
PROMOTION = REPORTS / "promotion.json"
PAGE = REPORTS / "report.html"

COLUMNS = (  # figures that every arm has, a reference too
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
_BARE: dict[str, Any] = {"title_justify": "left", "box": None, "padding": (0, 2, 0, 0)}  # of tables
_COLOURS = {"✓": "green", "✗": "red", "?": "yellow"}
_RATINGS = {"good": "green", "mixed": "yellow", "bad": "red"}


def write(found: Found, config: Config, rows: list[dict[str, str]], command: str) -> list[Path]:
    """Write everything into `reports/`.

    Args:
        found: the study.
        config: all parameters.
        rows: the manifest.
        command: that ran the study.

    Returns:
        The files that belong with the study in MLflow: the page, the pictures, the table of cells.
    """
    REPORTS.mkdir(exist_ok=True)
    PROMOTION.unlink(missing_ok=True)  # it speaks of an earlier candidate
    candidate, evaluation = found.candidate, found.evaluation
    _json(METRICS, candidate.metrics)
    verdict = asdict(found.verdict)
    _json(VERDICT, {**{key: verdict[key] for key in ("rating", "saving", "sentence")}, **verdict})
    _json(
        SUMMARY,
        {
            "cell": candidate.name,
            "cached": candidate.cached,
            "labels": found.labels,
            "failures": evaluation.failures,
            "baseline_accuracy": evaluation.baseline_accuracy,
            "failed_cells": found.failures,
            **candidate.metrics,
        },
    )
    _csv(REPORTS / "cells.csv", [_row(cell) for cell in found.cells])
    # A convex fit has no epochs; `dvc plots` then finds the columns, and no row.
    _csv(REPORTS / "history.csv", list(candidate.history), _HISTORY)
    _csv(
        REPORTS / "slices.csv",
        [
            {"column": s.column, "value": s.value, "images": s.images, "low": s.low, "high": s.high}
            | s.metrics
            for s in evaluation.slices
        ],
    )
    _csv(
        REPORTS / "confusion.csv",  # a row an image, as `dvc plots` wants it
        [{"actual": row["label"], "predicted": row["predicted"]} for row in candidate.predictions],
    )
    return [*_page(found, config, rows, command), VERDICT, REPORTS / "cells.csv"]


def _page(found: Found, config: Config, rows: list[dict[str, str]], command: str) -> list[Path]:
    from pipeline.report import charts, page

    test = [row for row in rows if row["split"] == TEST]
    columns = [n for n in rows[0] if n not in MANIFEST_COLUMNS and len({row[n] for row in rows}) > 1]
    base = config.base
    study = page.Study(
        dataset=config.dataset,
        base=f"{base.architecture}, {Path(base.weights).name}, {base.image_size} px",
        verdict=found.verdict,
        cells=[cell.view() for cell in found.cells],
        classes=found.labels,
        test_images=len(test),
        train_images=sum(row["split"] == "train" for row in rows),
        relatedness=found.relatedness,
        failures=[f"{name} failed: {why}" for name, why in found.failures.items()],
        gate_failures=found.evaluation.failures,
        slices={row[PATH]: {name: row[name] for name in (LABEL, *columns)} for row in test},
        folder=DATA,
        made=time.strftime("%Y-%m-%d %H:%M"),
        command=command,
    )
    PAGE.write_text(page.render(study), encoding="utf-8")
    shown = [cell for cell in study.compared() if cell is not None]
    pictures = {  # dvc.yaml names them
        "learning_curves": charts.learning_curves(found.verdict),
        "accuracy_against_seconds": charts.accuracy_against_seconds(found.verdict),
        "confusion_matrices": charts.confusions(shown, found.labels),
        "training_curves": charts.training_curves(shown),
        "slices": charts.slices(page.weakest_slices(study), shown[0].arm),
    }
    for stale in REPORTS.glob("*.png"):
        stale.unlink()
    files = [PAGE]
    for name, figure in pictures.items():
        files.append(REPORTS / f"{name}.png")
        files[-1].write_bytes(charts.png(figure))
    return files


def _row(cell: Cell) -> dict[str, Any]:
    """One row of cells.csv: the same columns for every arm."""
    subset = cell.subset
    about = {"cell": cell.name, "arm": cell.arm, "fraction": subset.fraction, "draw": subset.draw}
    return {**about, "labelled_images": subset.images, **{name: cell.metrics[name] for name in COLUMNS}}


def write_promotion(content: dict[str, Any]) -> None:
    """Write promotion.json: the alias, the version, the reason."""
    _json(PROMOTION, content)


def show(console: Console) -> None:
    """Print what the last study found and what was decided.

    Raises:
        HeadstartError: there is no report yet.
    """
    if not (SUMMARY.is_file() and VERDICT.is_file()):
        raise HeadstartError(f"{VERDICT} is not here: run `dvc repro` first.")
    verdict = json.loads(VERDICT.read_text(encoding="utf-8"))
    console.print()
    colour = _RATINGS[verdict["rating"]]
    rating, rest = verdict["sentence"].split(":", 1)
    console.print(f"[bold {colour}]{rating}[/]:{escape(rest)}", soft_wrap=True)
    for sentence in verdict["negative"]:
        console.print(f"[red]{escape(sentence)}[/]", soft_wrap=True)
    for sentence in verdict.get("findings", ()):  # absent from a verdict of an older version
        console.print(escape(sentence), soft_wrap=True)
    console.print()
    _show_clauses(verdict, console)
    _show_rows(verdict, console)
    console.print(f"\n{verdict['cheapest']}\n", soft_wrap=True)
    _show_candidate(console)
    console.print(
        "\n[dim]headstart report opens the whole story; headstart ui compares the runs; "
        "headstart predict IMAGE asks the champion.[/]",
        soft_wrap=True,
    )


def _show_clauses(verdict: dict[str, Any], console: Console) -> None:
    for side in ("good", "bad"):
        table = Table(title=f"{side} if", show_header=False, **_BARE)
        for clause in verdict["clauses"]:
            if clause["side"] == side:
                symbol, word = STATES[side, clause["state"]]
                told = f"[{_COLOURS[symbol]}]{symbol} {word}[/]"
                table.add_row(told, clause["asked"], f"[dim]{clause['figure']}[/]")
        console.print(table)


def _show_rows(verdict: dict[str, Any], console: Console) -> None:
    table = Table(header_style="dim", **_BARE)
    confidence = percent(verdict["confidence"], 0)
    for column in ("arm", "images", "draws", "test accuracy", confidence, "spread", "seconds", "search"):
        table.add_column(column, justify="left" if column == "arm" else "right")
    for row in verdict["rows"]:
        spread = ""
        if row["draws"] > 1:
            spread = f" ({100 * row['accuracy_min']:.1f}–{100 * row['accuracy_max']:.1f})"
        table.add_row(
            row["arm"],
            f"{row['images']:,}",
            str(row["draws"]),
            percent(row["accuracy"]) + spread,
            f"{100 * row['low']:.1f}–{100 * row['high']:.1f}",
            row.get("spread", ""),
            seconds(row["seconds"]),
            seconds(row["tuning_seconds"]) if row["tuning_seconds"] else "",
        )
    console.print()
    console.print(table)


def _show_candidate(console: Console) -> None:
    summary = json.loads(SUMMARY.read_text(encoding="utf-8"))
    table = Table(title=summary["cell"], show_header=False, **_BARE)
    told = [summary[f"test_accuracy{end}"] for end in ("", "_low", "_high")]
    table.add_row("test accuracy", f"[bold]{percents(*told)}[/], {summary['test_images']:.0f} images")
    table.add_row("macro F1", f"{summary['test_macro_f1']:.3f}")
    gap = f"{percent(summary['val_accuracy'])}, {percent(summary['train_accuracy'])}"
    table.add_row("validation, training accuracy", gap)
    earlier = " [dim](an earlier run's: nothing had changed)[/]" if summary["cached"] else ""
    spent = f"{seconds(summary['train_seconds'])}, {seconds(summary['seconds_to_best'])} to the best weights"
    table.add_row("training time", spent + earlier)
    if summary["baseline_accuracy"] is not None:
        table.add_row("last blessed model", f"{percent(summary['baseline_accuracy'])} on the same images")
    weak = sorted(_rows(REPORTS / "slices.csv"), key=lambda row: float(row["accuracy"]))[:3]
    slices = [f"{r['column']} {r['value']} {percent(float(r['accuracy']))} ({r['images']})" for r in weak]
    table.add_row("weakest slices", escape(", ".join(slices)))
    table.add_row("blessed", "[green]yes[/]" if not summary["failures"] else "[red]no[/]")
    if PROMOTION.is_file():
        promotion = json.loads(PROMOTION.read_text(encoding="utf-8"))
        colour = "green" if promotion["alias"] == "champion" else "yellow"
        decided = (
            f"[{colour}]{promotion['alias']}[/] version {promotion['version']}: {escape(promotion['reason'])}"
        )
        table.add_row("promotion", decided)
    for name, why in summary["failed_cells"].items():
        table.add_row("[red]failed[/]", escape(f"{name}: {why}"))
    console.print(table)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _csv(path: Path, rows: list[dict[str, Any]], columns: Sequence[str] = ()) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(_finite(content), indent=2) + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    """JSON has no infinity: None stands where a figure has no bound."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
