"""What a study leaves in `reports/`: figures for DVC and people, pictures, and the table on the screen."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from components.errors import HeadstartError
from pipeline import pictures
from pipeline.outcome import Cell
from pipeline.places import REPORTS

METRICS = REPORTS / "metrics.json"
SUMMARY = REPORTS / "summary.json"
PROMOTION = REPORTS / "promotion.json"


def write(cell: Cell) -> None:
    """Write metrics.json, summary.json, history.csv, slices.csv, confusion.csv and the pictures."""
    REPORTS.mkdir(exist_ok=True)
    PROMOTION.unlink(missing_ok=True)  # it speaks of an earlier candidate
    _json(METRICS, cell.metrics)
    _json(
        SUMMARY,
        {
            "cell": cell.name,
            "cached": cell.cached,
            "labels": cell.labels,
            "failures": cell.failures,
            "baseline_accuracy": cell.baseline_accuracy,
            **cell.metrics,
        },
    )
    _csv(REPORTS / "history.csv", list(cell.history))
    _csv(
        REPORTS / "slices.csv",
        [
            {
                "column": s.column,
                "value": s.value,
                "images": s.images,
                "low": s.low,
                "high": s.high,
                **s.metrics,
            }
            for s in cell.slices
        ],
    )
    pairs = [
        {"actual": actual, "predicted": predicted}
        for actual, row in zip(cell.labels, cell.confusion)
        for predicted, count in zip(cell.labels, row)
        for _ in range(count)
    ]
    _csv(REPORTS / "confusion.csv", pairs)  # a row an image, as `dvc plots` wants it
    pictures.curves(cell).savefig(REPORTS / "curves.png", dpi=110)
    pictures.confusion(cell).savefig(REPORTS / "confusion_matrix.png", dpi=110)


def write_promotion(content: dict[str, Any]) -> None:
    """Write promotion.json: the alias, the version, the reason."""
    _json(PROMOTION, content)


def show(console: Console) -> None:
    """Print what the last study found and what was decided.

    Raises:
        HeadstartError: there is no report yet.
    """
    if not SUMMARY.is_file():
        raise HeadstartError(f"{SUMMARY} is not here: run `dvc repro` first.")
    summary = json.loads(SUMMARY.read_text(encoding="utf-8"))
    table = Table(
        title=summary["cell"], title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0)
    )
    table.add_row(
        "test accuracy",
        f"[bold]{summary['test_accuracy']:.3f}[/] (95 %: {summary['test_accuracy_low']:.3f} to "
        f"{summary['test_accuracy_high']:.3f}, {summary['test_images']:.0f} images)",
    )
    table.add_row("macro F1", f"{summary['test_macro_f1']:.3f}")
    table.add_row(
        "validation, training accuracy", f"{summary['val_accuracy']:.3f}, {summary['train_accuracy']:.3f}"
    )
    table.add_row("labelled images", f"{summary['labelled_images']:.0f}")
    table.add_row(
        "training time",
        f"{summary['train_seconds']:.1f} s, {summary['seconds_to_best']:.1f} s to the best weights"
        + (" [dim](an earlier run's: nothing had changed)[/]" if summary["cached"] else ""),
    )
    copies = f"{summary['views'] - 1:.0f} views of each image" if summary["views"] > 1 else "no views"
    stored = f"{summary['store_bytes'] / 1e6:.0f} MB, {copies}, {summary['embed_seconds']:.1f} s of the above"
    table.add_row("activation store", stored)
    if summary["baseline_accuracy"] is not None:
        table.add_row("last blessed model", f"{summary['baseline_accuracy']:.3f} on the same images")
    weak = sorted(_rows(REPORTS / "slices.csv"), key=lambda row: float(row["accuracy"]))[:3]
    told = ", ".join(f"{r['column']} {r['value']} {float(r['accuracy']):.3f} ({r['images']})" for r in weak)
    table.add_row("weakest slices", told)
    table.add_row("blessed", "[green]yes[/]" if not summary["failures"] else "[red]no[/]")
    if PROMOTION.is_file():
        promotion = json.loads(PROMOTION.read_text(encoding="utf-8"))
        colour = "green" if promotion["alias"] == "champion" else "yellow"
        table.add_row(
            "promotion",
            f"[{colour}]{promotion['alias']}[/] version {promotion['version']}: {promotion['reason']}",
        )
    console.print()
    console.print(table)
    console.print("\n[dim]headstart ui compares the runs; headstart predict IMAGE asks the champion.[/]")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
