"""Predicts the seconds of a study, fits it into a budget, and prints both before the first cell."""

from __future__ import annotations

import time

from rich.console import Console
from rich.table import Table

from headstart.pipeline.config.design import Design
from headstart.pipeline.config.file import Config
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.study import price
from headstart.pipeline.study.plan import PlannedCell
from headstart.pipeline.verdict.words import seconds


def within_budget(
    config: Config,
    design: Design,
    rows: list[dict[str, str]],
    costs: price.Costs,
    spent: float,
    console: Console,
) -> tuple[Config, Design]:
    """The largest study within `study.budget_minutes`; what it leaves out is printed.

    Args:
        config: all parameters.
        design: the study that is wanted.
        rows: the manifest.
        costs: of this machine.
        spent: seconds that are gone already.
        console: where to print.
    """
    minutes = config.study.budget_minutes
    if not minutes:
        return config, design
    fitted = price.fit_budget(config, design, rows, costs, minutes, spent)
    if fitted.left_out:
        console.print(
            f"[yellow]Left out, to stay within {minutes:g} minutes (study.budget_minutes): "
            f"{'; '.join(fitted.left_out)}.[/]",
            soft_wrap=True,
        )
    if not fitted.fits:
        console.print(f"[yellow]The smallest study takes longer than {minutes:g} minutes; it runs.[/]")
    return fitted.config, fitted.design


def show(
    config: Config,
    cells: list[PlannedCell],
    compared: list[Subset],
    rows: list[dict[str, str]],
    costs: price.Costs,
    console: Console,
) -> None:
    """Print what each strategy will take, and when the study will be done; cached cells take no time."""
    found = price.prices(config, cells, rows, costs)
    before = price.before_cells(config, cells, compared, rows, costs)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("strategy", "cells", "training", "search"):
        table.add_column(column, justify="left" if column == "strategy" else "right")
    for one in found:
        search = seconds(one.search) if one.search else ""
        table.add_row(one.strategy, str(one.cells), seconds(one.training), search)
    console.print(table)
    whole = before + sum(one.total for one in found) + price.beside_cells(compared, rows)
    done = time.strftime("%H:%M", time.localtime(time.time() + whole))
    console.print(
        f"This study takes about {seconds(whole)}, {seconds(before)} of it before the first cell, and ends "
        f"at about {done}. Cells that an earlier study has trained take no time.",
        soft_wrap=True,
    )
