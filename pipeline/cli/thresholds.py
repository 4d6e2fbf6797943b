"""The command `threshold`: the probability from which on a class is predicted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli.app import Full, app, console, folders
from headstart.pipeline.verdict.words import percent

if TYPE_CHECKING:
    from headstart.pipeline.results.thresholds import AtMost, Share


@app.command(rich_help_panel="The study")
def threshold(
    recall: Annotated[
        list[str] | None, typer.Option(help="Of one class: CLASS=TARGET, such as shirt=0.9.")
    ] = None,
    precision: Annotated[list[str] | None, typer.Option(help="Likewise, such as shirt=0.95.")] = None,
    full: Full = False,
    json_output: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """From which probability on should a class be predicted? From the last study's out-of-fold predictions.

    headstart threshold --recall shirt=0.9
    """
    import json
    from dataclasses import asdict

    from headstart.pipeline.report.paths import finite
    from headstart.pipeline.results import out_of_fold, thresholds

    found = out_of_fold.read(folders(full).reports)
    asked = [
        ("recall" if option is recall else "precision", *_target(told, found.classes))
        for option in (recall, precision)
        for told in option or []
    ]
    present = {found.classes[place] for place in found.labels}
    if absent := next((label for _, label, _ in asked if label not in present), None):
        raise HeadstartError(
            f"No fold holds an image of '{absent}' out, so its threshold is unknown: add images of it."
        )
    chosen = [
        thresholds.threshold(found, label, "recall" if metric == "recall" else "precision", target)
        for metric, label, target in asked
    ]
    classes = [] if chosen else thresholds.at_most(found)
    if json_output:
        content = {
            "images": len(found.labels),
            "thresholds": [one.as_dict() for one in chosen],
            "classes": [asdict(one) for one in classes],
        }
        typer.echo(json.dumps(finite(content)))
        return
    for one in chosen:
        console.print(f"{escape(one.sentence)}", soft_wrap=True)
    if classes:
        console.print(_table(classes))
    console.print(
        f"[dim]{len(found.labels):,} training images, each predicted by a frozen head that was fitted "
        "without its fold. In parentheses: 95 % intervals.[/]",
        soft_wrap=True,
    )


def _target(told: str, classes: tuple[str, ...]) -> tuple[str, float]:
    label, _, value = told.rpartition("=")
    try:
        target = float(value)
    except ValueError:
        label, target = "", 0.0
    if not label:
        raise HeadstartError(f"'{told}' is no target: give a class and its target, such as shirt=0.9.")
    if label not in classes:
        raise HeadstartError(f"There is no class '{label}': name one of {', '.join(classes)}.")
    if not 0 < target <= 1:
        raise HeadstartError(f"The target {target:g} is not above 0 and at most 1: 90 % is 0.9.")
    return label, target


def _table(classes: list[AtMost]) -> Table:
    table = Table("class", box=None, header_style="dim")
    for column in ("images", "recall", "predicted", "precision", "average precision"):
        table.add_column(column, justify="right")
    for one in classes:
        table.add_row(
            escape(one.label),
            *(part for share in (one.recall, one.precision) for part in (f"{share.images:,}", _share(share))),
            f"{one.average_precision:.3f}",
        )
    return table


def _share(share: Share) -> str:
    return f"{percent(share.value)} ({100 * share.low:.0f}–{100 * share.high:.0f})" if share.images else "–"
