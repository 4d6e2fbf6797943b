"""The study's report as one HTML file that loads nothing from the network."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from jinja2 import Environment
from markupsafe import Markup
from matplotlib.figure import Figure

from headstart.pipeline.report import charts, fold_charts, measures, palette
from headstart.pipeline.report.cell_charts import confused, hardest
from headstart.pipeline.report.content import Study, strategy_name, subset_name
from headstart.pipeline.report.environment import environment
from headstart.pipeline.report.forecast_chart import learning_curve
from headstart.pipeline.report.slicing import Slice, weakest
from headstart.pipeline.report.thumbnails import Disagreement, disagreements, thumbnail
from headstart.pipeline.results import out_of_fold
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.verdict.findings import (
    SCRATCH,
    Clause,
    Comparison,
    LearningCurve,
    Overfit,
    Row,
    Verdict,
)
from headstart.pipeline.verdict.words import STATES, p_value, percent, points, seconds

__all__ = ["Study", "render", "weakest_slices"]

IMAGES = 12  # shown of those that one strategy alone gets right
SLICES = 10

_OfStrategy = TypeVar("_OfStrategy", Row, Comparison, Overfit, LearningCurve)

_LONGEST_HEADING = 40


def render(study: Study) -> str:
    """Write the report.

    Returns:
        HTML with its style, its pictures and its thumbnails within; it has no script.
    """
    judged, scratch = study.compared()
    shown = [cell for cell in (judged, scratch) if cell is not None]
    matrix_classes = hardest(shown, study.classes)
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            study=study,
            verdict=study.verdict,
            confidence=percent(study.verdict.confidence, 0),
            answer=_answer(study.verdict),
            sides=[(side, [c for c in study.verdict.clauses if c.side == side]) for side in ("good", "bad")],
            measures=measures.told(study.verdict.measures),
            learning_curves=_drawn(charts.learning_curves(study.verdict)) if study.verdict.rows else None,
            against_seconds=_drawn(charts.accuracy_against_seconds(study.verdict))
            if study.verdict.rows
            else None,
            signs=[cell for cell in study.verdict.overfitting if cell.signs],
            shown=shown,
            judged=judged,
            scratch=scratch,
            matrix_classes=matrix_classes,
            confusions=[_drawn(charts.confusion(cell, matrix_classes)) for cell in shown],
            slices=_drawn(charts.slices(found, shown[0].strategy))
            if (found := weakest_slices(study))
            else None,
            training=[_drawn(charts.training_curves([cell])) for cell in shown if cell.history],
            gallery=_gallery(study, judged, scratch) if judged and scratch else None,
            relatedness=_relatedness(study.relatedness),
            folds=_folds(study),
            forecasts=[(one, _drawn(learning_curve(one))) for one in study.forecasts],
        )
    )


def _environment() -> Environment:
    made = environment(Path(__file__).parent)
    made.filters.update(
        strategy=strategy_name,
        percent=percent,
        points=_signed_points,
        seconds=seconds,
        subset=subset_name,
        figure=_figure,
    )
    made.globals.update(
        states=STATES,
        tone=_tone,
        by_strategy=_by_strategy,
        confused=confused,
        span=_span,
        variable=palette.variable,
        p_value=p_value,
    )
    return made


def _answer(verdict: Verdict) -> dict[str, str]:
    """The verdict's sentence in three parts: the heading, the evidence, the rest."""
    rating = verdict.rating.capitalize()
    heading, _, told = verdict.sentence.partition(": ")
    if not heading.startswith((rating, "Not judged")) or len(heading) > _LONGEST_HEADING:
        heading, told = rating, verdict.sentence
    told = told[:1].upper() + told[1:]
    end = re.search(r"\.\s+(?=[A-Z])", told)
    lead, rest = (told[: end.start() + 1], told[end.end() :]) if end else (told, "")
    tone = {"good": "for", "mixed": "open", "bad": "against"}[verdict.rating] if verdict.strategy else "open"
    return {"heading": heading, "lead": lead, "rest": rest, "tone": tone}


def _by_strategy(rows: Sequence[_OfStrategy]) -> list[tuple[str, list[_OfStrategy]]]:
    """Rows of the same strategy together, strategies in the order of their first row."""
    strategies = dict.fromkeys(row.strategy for row in rows)
    return [(strategy, [row for row in rows if row.strategy == strategy]) for strategy in strategies]


def _drawn(figure: Figure) -> Markup:
    return Markup(charts.svg(figure))


def weakest_slices(study: Study) -> list[Slice]:
    """The weakest slices of the judged strategy, scratch beside it; of scratch where it is alone."""
    first, *others = [cell.predictions for cell in study.compared() if cell is not None] or [[]]
    return weakest(first, others[0] if others else None, study.slices, SLICES)


def _gallery(study: Study, judged: Cell, scratch: Cell) -> list[dict[str, Any]]:
    """Both ways: who alone is right, on how many images, and the images to show."""
    found = disagreements(judged.predictions, scratch.predictions, IMAGES)

    def images(shown: Sequence[Disagreement]) -> list[dict[str, Any]]:
        return [{"found": one, "source": thumbnail(study.folder / one.path)} for one in shown]

    return [
        {
            "right": judged.strategy,
            "wrong": SCRATCH,
            "count": found.left_count,
            "images": images(found.only_left),
        },
        {
            "right": SCRATCH,
            "wrong": judged.strategy,
            "count": found.right_count,
            "images": images(found.only_right),
        },
    ]


def _folds(study: Study) -> dict[str, Any] | None:
    """What cross-validation found as the page shows it; None where no fold could be made."""
    found = study.cross_validation
    if found is None or not found.made:
        return None
    predictions = out_of_fold.read(found.predictions.parent)
    cell = fold_charts.as_cell(predictions)
    classes = hardest([cell], study.classes)
    return {
        "told": found.figures,
        "accuracy": _drawn(fold_charts.accuracy_by_fold(found.figures)),
        "confusion": _drawn(charts.confusion(cell, classes)),
        "confused": confused(cell),
        "curves": _drawn(fold_charts.precision_recall(predictions)),
    }


def _relatedness(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """The estimate as the page shows it: a sentence and, of several bases, the ranking."""
    if found is None:
        return None
    base = found.get("base") or {}
    return {"sentence": base.get("sentence", ""), "ranking": found.get("ranking") or []}


def _tone(clause: Clause) -> str:
    """How a clause's state is coloured: `for` transfer learning, `against` it, or `open`."""
    return {"✓": "for", "✗": "against", "?": "open"}[STATES[clause.side, clause.state][0]]


def _span(low: str, high: str) -> str:
    """Two figures with their unit once, where it is the same: `38.0 to 44.0 %`."""
    figure, _, unit = low.rpartition(" ")
    return f"{figure if figure and high.endswith(f' {unit}') else low} to {high}"


def _signed_points(difference: float) -> str:
    return f"{'+' if difference > 0 else ''}{points(difference)}".replace("-", "\N{MINUS SIGN}")


def _figure(value: object, digits: int = 3) -> str:
    """A plain number, or a dash where there is none."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}")
