"""Which files an import took and which it skipped, as tables."""

from __future__ import annotations

from collections import Counter
from statistics import median

from rich.console import Console
from rich.table import Table

from headstart.components.shared.features import SPLITS
from headstart.pipeline.data.image_facts import Facts
from headstart.pipeline.data.layout import Found, Layout

_EXAMPLES = 3  # files named for each reason


def tell(console: Console, layout: Layout, facts: dict[Found, Facts], skipped: list[tuple[str, str]]) -> None:
    """Print images a class and split, their sizes, and the skipped files with the reason."""
    console.print(_classes(layout, facts))
    console.print(_sizes(facts))
    reasons: dict[str, list[str]] = {}
    for path, reason in sorted(skipped):
        reasons.setdefault(reason, []).append(path)
    if reasons or layout.hidden:
        table = Table("skipped", "files", "for example", title_justify="left")
        for reason, paths in sorted(reasons.items()):
            more = ", …" if len(paths) > _EXAMPLES else ""
            table.add_row(reason, f"{len(paths):,}", _plain(", ".join(paths[:_EXAMPLES]) + more))
        if layout.hidden:
            table.add_row("hidden files", f"{layout.hidden:,}", "")
        console.print(table)


def _classes(layout: Layout, facts: dict[Found, Facts]) -> Table:
    counts = Counter((found.label, found.split) for found in facts)
    splits = [split for split in (*SPLITS, "") if any(key[1] == split for key in counts)]
    table = Table("class")
    for split in splits:
        table.add_column(split or "images", justify="right")
    for label in layout.labels:
        table.add_row(_plain(label), *(f"{counts[label, split]:,}" for split in splits))
    table.add_section()
    totals = Counter(found.split for found in facts)
    table.add_row(
        f"{len(layout.labels)} class{'es' * (len(layout.labels) != 1)}",
        *(f"{totals[split]:,}" for split in splits),
    )
    return table


def _sizes(facts: dict[Found, Facts]) -> Table:
    table = Table("", "smallest", "median", "largest")
    by_pixels = sorted(facts.values(), key=lambda fact: (fact.pixels, fact.width))
    chosen = (by_pixels[0], by_pixels[len(by_pixels) // 2], by_pixels[-1])
    table.add_row("pixels", *(f"{fact.width} × {fact.height}" for fact in chosen))
    sizes = [fact.bytes for fact in facts.values()]
    table.add_row("kilobytes", *(f"{size / 1000:,.1f}" for size in (min(sizes), median(sizes), max(sizes))))
    table.add_section()
    table.add_row("all", f"{sum(sizes) / 1e6:,.1f} MB", "", "")
    return table


def _plain(text: str) -> str:
    """A file's name as it may be printed: rich reads [brackets] as markup, and the name may not be UTF-8."""
    return text.replace("[", "\\[").encode("utf-8", "backslashreplace").decode()
