"""A study in Markdown, for its own page in MLflow."""

from __future__ import annotations

from headstart.pipeline.results.study import StudyResults
from headstart.pipeline.verdict.words import percent


def markdown(results: StudyResults) -> str:
    """Markdown for the study's own page: the verdict, its clauses, a table of the strategies."""
    verdict = results.verdict
    lines = [f"**{verdict.sentence}**", ""]
    lines += [f"- {sentence}" for sentence in (*verdict.negative, *verdict.findings)]
    lines += ["", "| | asked | found | |", "|---|---|---|---|"]
    lines += [f"| {c.side} | {c.asked} | {c.figure} | {c.state} |" for c in verdict.clauses]
    lines += [
        "",
        f"| strategy | images | draws | test accuracy ({percent(verdict.confidence, 0)}) | spread of draws "
        "| seconds | search |",
        "|" + "---|" * 7,
    ]
    lines += [
        f"| {row.strategy} | {row.images:,} | {row.draws} "
        f"| {row.accuracy:.3f} ({row.low:.3f}–{row.high:.3f}) "
        f"| {row.spread} | {row.seconds:.1f} | {row.tuning_seconds:.1f} |"
        for row in verdict.rows
    ]
    failed = [f"- {name} failed: {why}" for name, why in results.failures.items()]
    return "\n".join([*lines, "", verdict.cheapest, *failed])
