"""A study and a registered model in Markdown, for their pages in MLflow."""

from __future__ import annotations

from headstart.pipeline.promotion.decision import Comparison, Decision
from headstart.pipeline.results.candidate import Candidate
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


def of_version(candidate: Candidate, decision: Decision, comparison: Comparison | None) -> str:
    """Markdown for a registered version: what was decided, and the slices on which it was compared."""
    lines = [
        f"**{decision.alias}**: {decision.reason}",
        "",
        f"`{candidate.cell}` has a test accuracy of {candidate.accuracy:.3f}.",
    ]
    if comparison and comparison.images:
        lines += [
            "",
            f"Compared with version {comparison.version} on {comparison.images:,} test images that neither "
            f"was trained or chosen on ({comparison.left_out:,} others do not count):",
            "",
            f"| slice | images | version {comparison.version} | this version |",
            "|---|---|---|---|",
            f"| all | {comparison.images:,} | {comparison.before:.3f} | {comparison.after:.3f} |",
        ]
        lines += [
            f"| {one.name} | {one.images:,} | {one.before:.3f} | {one.after:.3f} |"
            for one in comparison.slices
        ]
    return "\n".join(lines)
