"""Accuracy on slices of the test split, from predictions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from headstart.components.shared.features import LABEL
from headstart.components.shared.statistics import wilson

FEW = 10  # images; below, an interval says next to nothing


@dataclass(frozen=True)
class Bar:
    """Accuracy and its 95 % Wilson interval."""

    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Slice:
    """One slice; `other` is absent where there is no second strategy."""

    column: str
    value: str
    images: int
    one: Bar
    other: Bar | None


def weakest(
    one: Sequence[dict[str, str]],
    other: Sequence[dict[str, str]] | None,
    columns: dict[str, dict[str, str]],
    limit: int,
) -> list[Slice]:
    """The slices on which `one` is least accurate, worst first: classes, and what `columns` has.

    Args:
        one: rows of path, label, predicted.
        other: the same of a second strategy, or None.
        columns: by path, each column's value; images without a value are in no slice of that column.
        limit: how many.

    Returns:
        No slice of fewer than `FEW` images, and none that is the whole split.
    """
    second = {row["path"]: row["predicted"] == row["label"] for row in other} if other is not None else None
    hits: dict[tuple[str, str], list[tuple[bool, bool]]] = defaultdict(list)
    for row in one:
        if second is not None and row["path"] not in second:
            continue
        hit = (row["predicted"] == row["label"], second is not None and second[row["path"]])
        for key in ({LABEL: row["label"]} | columns.get(row["path"], {})).items():
            hits[key].append(hit)
    total = sum(len(found) for (column, _), found in hits.items() if column == LABEL)
    found = [
        Slice(
            column,
            value,
            len(pairs),
            _bar([first for first, _ in pairs]),
            _bar([later for _, later in pairs]) if second is not None else None,
        )
        for (column, value), pairs in hits.items()
        if FEW <= len(pairs) < total and value not in ("", "-")
    ]
    return sorted(found, key=lambda s: (s.one.accuracy, -s.images, s.column, s.value))[:limit]


def _bar(hits: list[bool]) -> Bar:
    share = sum(hits) / len(hits)
    return Bar(share, *wilson(share, len(hits)))
