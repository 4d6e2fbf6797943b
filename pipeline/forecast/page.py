"""The answer as one HTML file that loads nothing from the network."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from headstart.pipeline.report.environment import environment
from headstart.pipeline.report.forecast_chart import learning_curve
from headstart.pipeline.report.rendering import svg
from headstart.pipeline.report.thumbnails import thumbnail
from headstart.pipeline.results.forecast import Plan
from headstart.pipeline.verdict.words import count, percent, percents, points

PHOTOS = 24  # shown of those to label


def render(found: Plan, made: str) -> str:
    """The page of a plan.

    Args:
        found: targets, classes or photos, of one data set.
        made: date and time.
    """
    pages = environment(Path(__file__).parent)
    pages.globals.update(count=count, percent=percent, percents=percents, points=points)
    shown = found.photos.photos[:PHOTOS] if found.photos else ()
    return pages.get_template("page.html.jinja").render(
        plan=found,
        answers=[(one, Markup(svg(learning_curve(one)))) for one in found.forecasts],
        classes=found.classes,
        photos=[(one, thumbnail(Path(found.photos.folder) / one.path)) for one in shown if found.photos],
        made=made,
    )
