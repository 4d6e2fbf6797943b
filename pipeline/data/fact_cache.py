"""What was measured of images before, by their content: each is decoded once, by import or by prepare."""

from __future__ import annotations

import csv
import hashlib
import inspect
from contextlib import suppress
from dataclasses import astuple, fields
from pathlib import Path

import PIL
import pillow_heif

from headstart.components.image_example_gen import images as decoders
from headstart.components.image_example_gen import opener
from headstart.components.shared.files import replacing
from headstart.pipeline.data import image_facts
from headstart.pipeline.data.image_facts import Facts
from headstart.pipeline.project import WORK

_COLUMNS = [field.name for field in fields(Facts)]


def read(project: Path) -> dict[str, Facts]:
    """Facts by SHA-256; none where the file is absent, damaged, or by other code or another decoder."""
    try:
        with _file(project).open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        if header != _COLUMNS:
            return {}
        return {row[0]: Facts(row[0], *map(int, row[1:])) for row in rows}
    except (OSError, ValueError, TypeError, IndexError, csv.Error):
        return {}


def write(project: Path, facts: dict[str, Facts]) -> None:
    """Keep the facts, by SHA-256, for the next look at these images."""
    path = _file(project)
    with suppress(OSError):  # what is not kept is measured again
        path.parent.mkdir(parents=True, exist_ok=True)
        for other in path.parent.glob("images-*.csv*"):
            other.unlink()
        with replacing(path) as fresh, fresh.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_COLUMNS)
            writer.writerows(astuple(one) for one in facts.values())


def _file(project: Path) -> Path:
    sources = "".join(map(inspect.getsource, (image_facts, decoders, opener)))
    code = hashlib.sha256((PIL.__version__ + pillow_heif.__version__ + sources).encode()).hexdigest()[:12]
    return project / WORK / f"images-{code}.csv"
