"""What a search found as one HTML file that loads nothing from the network, as charts and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from markupsafe import Markup

from headstart.pipeline.report.environment import environment
from headstart.pipeline.report.paths import write_json
from headstart.pipeline.report.rendering import png, svg
from headstart.pipeline.results.tuning import Search, settings
from headstart.pipeline.tuning import charts
from headstart.pipeline.verdict.words import percent, points, seconds

PAGE, FIGURES = "tuning.html", "tuning.json"


def write(search: Search, folder: Path, made: str) -> None:
    """Write the page, `tuning.json` and a PNG of each chart.

    Args:
        search: the search.
        folder: where to.
        made: date and time.
    """
    figures = charts.of(search)
    for name, figure in figures.items():
        (folder / f"{name}.png").write_bytes(png(figure))
    told = {"sentence": search.sentence, "worth": search.worth, "gap": search.gap, "cost": search.cost}
    write_json(folder / FIGURES, {**told, **asdict(search.results)})
    (folder / PAGE).write_text(render(search, list(figures.values()), made), encoding="utf-8")


def render(search: Search, figures: list[charts.Figure], made: str) -> str:
    """The page."""
    templates = environment(Path(__file__).parent)
    templates.globals.update(percent=percent, points=points, seconds=seconds, settings=settings)
    ranking = sorted(
        search.results.candidates, key=lambda one: (one.strategy == "scratch", -one.share, -one.score)
    )
    return templates.get_template("page.html.jinja").render(
        search=search,
        charts=[Markup(svg(one)) for one in figures],
        ranking=ranking,
        bases=len({one.base for one in ranking}),
        made=made,
    )
