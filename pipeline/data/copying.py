"""Copies the usable images of a folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from rich.console import Console

from headstart.pipeline.data.image_facts import Facts, UnusableError
from headstart.pipeline.data.inspection import inspect_all
from headstart.pipeline.data.layout import Found


def copy(
    source: Path,
    files: list[Found],
    target: Callable[[Found], Path],
    known: dict[str, Facts],
    console: Console,
    what: str,
) -> tuple[dict[Found, Facts], list[tuple[str, str]]]:
    """Copy every usable image.

    Args:
        source: what the files' paths are relative to.
        files: the files to look at.
        target: where a file goes; nothing may be there.
        known: facts by SHA-256; such images are not decoded.
        console: where the progress bar goes.
        what: its title.

    Returns:
        The facts of the images that were copied, and (path, reason) of the files that were skipped.

    Raises:
        OSError: a file cannot be written, or there is one in its place.
    """

    def keep(found: Found, encoded: bytes) -> None:
        place = target(found)
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            file.write(encoded)

    facts: dict[Found, Facts] = {}
    skipped: list[tuple[str, str]] = []
    # Closed before anyone removes the folder that it writes to.
    with closing(inspect_all(source, files, console, keep, what, known)) as outcomes:
        for found, outcome in outcomes:
            if isinstance(outcome, UnusableError):
                skipped.append((found.path, str(outcome)))
            else:
                facts[found] = outcome
    return facts, skipped
