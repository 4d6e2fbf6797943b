"""How templates become pages: escaped, with numbers that stay with their units."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from headstart.pipeline.report import palette
from headstart.pipeline.report.content import legible

_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|(?:s|min|h|px)\b)")


def environment(folder: Path) -> Environment:
    """For the templates of a folder; it knows `css`, the variables of the palette."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_written,
    )
    made.globals.update(css=palette.css)
    return made


def _written(value: object) -> object:
    """What the page says of a value: text that HTML may hold, with numbers that stay with their units."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", legible(value))
    return value
