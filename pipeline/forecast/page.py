"""The answer as one HTML file that loads nothing from the network."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from headstart.pipeline.forecast.chart import learning_curve
from headstart.pipeline.report import palette
from headstart.pipeline.report.rendering import svg
from headstart.pipeline.results.forecast import Plan
from headstart.pipeline.verdict.words import count, percent, percents, points


def render(found: Plan, made: str) -> str:
    """The page of some targets.

    Args:
        found: one target or more, of one data set.
        made: date and time.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        css=palette.css, count=count, percent=percent, percents=percents, points=points
    )
    answers = [(one, Markup(svg(learning_curve(one)))) for one in found.forecasts]
    template = environment.get_template("page.html.jinja")
    return template.render(answers=answers, classes=found.classes, made=made)
