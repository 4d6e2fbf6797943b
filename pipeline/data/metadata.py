"""The user's metadata.csv: more slice columns, groups, and splits that win over the folders'."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import FOLD, GROUP, IMAGE, LABEL, LABEL_INDEX, PATH, PIXELS, RANK
from headstart.pipeline.data.layout import split_name

SPLIT = "split"
ABSENT = "-"  # an image that the file does not name, or a cell that it leaves empty

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_OURS = frozenset(
    {IMAGE, LABEL, PIXELS, LABEL_INDEX, RANK, FOLD, "sha256", "brightness", "sharpness", "size", "source"}
)


@dataclass(frozen=True)
class Metadata:
    """The columns beside `path` and `split`, and what they say of each image."""

    columns: tuple[str, ...] = ()
    values: dict[str, dict[str, str]] = field(default_factory=dict)  # by path, then by column

    def value(self, path: str, column: str) -> str:
        """One cell: "-" where the file has no value, but "" for `split` and `group`."""
        return self.values.get(path, {}).get(column) or ("" if column in (SPLIT, GROUP) else ABSENT)


def load(file: Path, known: set[str]) -> Metadata:
    """Read metadata.csv; an absent file is an empty one.

    Args:
        file: the CSV, its first column `path`, relative to the folder that the file lies in.
        known: the paths of all files in the data folder.

    Raises:
        HeadstartError: it is not UTF-8 CSV, a column's name is taken or odd, a path is unknown or there
            twice, or a split is none of train, validation and test.
    """
    if not file.exists():
        return Metadata()
    try:
        text = file.read_bytes().decode("utf-8-sig")
        header, *rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row] or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise HeadstartError(f"{file} is not a CSV in UTF-8 ({error}): save it again as CSV UTF-8.") from None
    _check_header(file, header)
    values: dict[str, dict[str, str]] = {}
    for number, row in enumerate(rows, start=2):
        where = f"{file}, row {number},"
        if len(row) != len(header):
            raise HeadstartError(f"{where} has {len(row)} cells, the header has {len(header)}: fix that row.")
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        path = as_path(row[0])
        if path not in known:
            raise HeadstartError(
                f"{where} names '{path}', which is not in a class folder of {file.parent}: correct it "
                "(paths are relative to that folder) or remove the row."
            )
        if path in values:
            raise HeadstartError(f"{where} names '{path}' a second time: remove one of the rows.")
        if cells.get(SPLIT):
            split = split_name(cells[SPLIT])
            if split is None:
                raise HeadstartError(
                    f"{where} has the split '{cells[SPLIT]}': write train, validation, test or nothing there."
                )
            cells[SPLIT] = split
        values[path] = cells
    return Metadata(tuple(name for name in header[1:] if name != SPLIT), values)


def as_path(cell: str) -> str:
    """A path as the manifest writes it."""
    return cell.strip().replace("\\", "/").removeprefix("./")


def _check_header(file: Path, header: list[str]) -> None:
    if not header or header[0] != PATH:
        found = f"'{header[0]}'" if header else "nothing"
        raise HeadstartError(
            f"{file} begins with the column {found}: make 'path' its first column, commas between them."
        )
    for name in header[1:]:
        if name in _OURS:
            raise HeadstartError(f"{file} has a column '{name}', which headstart makes itself: rename it.")
        if not _NAME.match(name):
            raise HeadstartError(f"{file} has a column '{name}': use letters, digits and _ in its name.")
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice:
        raise HeadstartError(f"{file} has two columns '{twice}': rename or remove one.")
