"""The images that a model, or a model that it grew from, was trained or chosen on."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from headstart.components.shared.features import GROUP, TEST

FILE = "seen.csv"


@dataclass(frozen=True)
class Seen:
    """SHA-256 of the images, and the names of the groups that they are in."""

    images: frozenset[str]
    groups: frozenset[str]

    def __or__(self, other: Seen) -> Seen:
        return Seen(self.images | other.images, self.groups | other.groups)

    def has(self, row: Mapping[str, str]) -> bool:
        """Whether an image, as a row of the manifest, or its group was seen."""
        return row["sha256"] in self.images or row.get(GROUP) in self.groups

    def write(self, file: Path) -> None:
        """Write a row for each image, then one for each group."""
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(("sha256", GROUP))
            writer.writerows((image, "") for image in sorted(self.images))
            writer.writerows(("", group) for group in sorted(self.groups))


NOTHING = Seen(frozenset(), frozenset())


def of_study(rows: Iterable[Mapping[str, str]]) -> Seen:
    """What a study's models have seen: its training images, and those of the validation split, which choose.

    Args:
        rows: of the manifest.
    """
    used = [row for row in rows if row["split"] != TEST]
    groups = frozenset(row[GROUP] for row in used if row.get(GROUP))
    return Seen(frozenset(row["sha256"] for row in used), groups)


def read(file: Path) -> Seen | None:
    """What `write` wrote; None where there is no such file, as beside models of earlier versions."""
    try:
        with file.open(encoding="utf-8", newline="") as text:
            rows = list(csv.DictReader(text))
    except FileNotFoundError:
        return None
    images = frozenset(row["sha256"] for row in rows if row["sha256"])
    return Seen(images, frozenset(row[GROUP] for row in rows if row[GROUP]))
