"""The answer as one HTML file that loads nothing from the network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from headstart.pipeline.forecast.chart import learning_curve
from headstart.pipeline.report import palette
from headstart.pipeline.report.rendering import svg
from headstart.pipeline.results.forecast import Forecast
from headstart.pipeline.verdict.words import count, percent, percents


def render(found: Sequence[Forecast], made: str) -> str:
    """The page of some targets.

    Args:
        found: one or more, of one data set.
        made: date and time.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(css=palette.css, count=count, percent=percent, percents=percents)
    curves = [Markup(svg(learning_curve(one))) for one in found]  # drawn here
    return environment.get_template("page.html.jinja").render(answers=list(zip(found, curves)), made=made)
