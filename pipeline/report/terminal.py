"""The last study on the terminal, from the files of `reports/`."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.project import DECISION
from headstart.pipeline.report.paths import SLICES, SUMMARY, VERDICT
from headstart.pipeline.verdict.words import STATES, percent, percents, seconds

_BARE: dict[str, Any] = {"title_justify": "left", "box": None, "padding": (0, 2, 0, 0)}  # of tables
_COLOURS = {"✓": "green", "✗": "red", "?": "yellow"}
_RATINGS = {"good": "green", "mixed": "yellow", "bad": "red"}


def show(reports: Path, console: Console) -> None:
    """Print what a study found and what was decided.

    Args:
        reports: the folder of the study's reports.
        console: where to print.

    Raises:
        HeadstartError: there is no report yet.
    """
    if not (reports / VERDICT).is_file():
        raise HeadstartError(
            f"{reports / VERDICT} is not here: run `dvc repro` first, or `dvc checkout` to get it back."
        )
    verdict = json.loads((reports / VERDICT).read_text(encoding="utf-8"))
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
    _show_candidate(reports, console)
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
    for column in ("strategy", "images", "draws", "test accuracy", confidence, "spread", "seconds", "search"):
        table.add_column(column, justify="left" if column == "strategy" else "right")
    for row in verdict["rows"]:
        spread = ""
        if row["draws"] > 1:
            spread = f" ({100 * row['accuracy_min']:.1f}–{100 * row['accuracy_max']:.1f})"
        table.add_row(
            row.get("strategy", row.get("arm", "")),  # what an earlier version wrote
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


def _show_candidate(reports: Path, console: Console) -> None:
    summary = json.loads((reports / SUMMARY).read_text(encoding="utf-8"))
    table = Table(title=summary["cell"], show_header=False, **_BARE)
    told = [summary[f"test_accuracy{end}"] for end in ("", "_low", "_high")]
    table.add_row("test accuracy", f"[bold]{percents(*told)}[/], {summary['test_images']:.0f} images")
    table.add_row("macro F1", f"{summary['test_macro_f1']:.3f}")
    gap = f"{percent(summary['val_accuracy'])}, {percent(summary['train_accuracy'])}"
    table.add_row("validation, training accuracy", gap)
    earlier = " [dim](an earlier run's: nothing had changed)[/]" if summary["cached"] else ""
    spent = f"{seconds(summary['train_seconds'])}, {seconds(summary['seconds_to_best'])} to the best weights"
    table.add_row("training time", spent + earlier)
    weak = sorted(_rows(reports / SLICES), key=lambda row: float(row["accuracy"]))[:3]
    slices = [f"{r['column']} {r['value']} {percent(float(r['accuracy']))} ({r['images']})" for r in weak]
    table.add_row("weakest slices", escape(", ".join(slices)))
    table.add_row("blessed", "[green]yes[/]" if not summary["failures"] else "[red]no[/]")
    promotion = json.loads(DECISION.read_text(encoding="utf-8")) if DECISION.is_file() else {}
    if promotion and promotion["candidate"] == summary.get(
        "model_digest"
    ):  # else it is of an earlier candidate
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
