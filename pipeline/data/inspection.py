"""Looks at many image files at once, with a progress bar."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from headstart.pipeline.data.image_facts import Facts, UnusableError, inspect
from headstart.pipeline.data.layout import Found

Outcome = Facts | UnusableError


def inspect_all(
    folder: Path,
    files: list[Found],
    console: Console | None = None,
    keep: Callable[[Found, bytes], None] | None = None,
    what: str = "Looking at the images",
    known: Mapping[str, Facts] = MappingProxyType({}),
) -> Generator[tuple[Found, Outcome], None, None]:
    """Each file with what it is, or why it cannot be used; in the order of `files`.

    Args:
        folder: what the files' paths are relative to.
        files: the files to read.
        console: where the progress bar goes; standard error by default, shown on a terminal only.
        keep: called with the bytes of every usable file, from several threads.
        what: the progress bar's title.
        known: facts by SHA-256; such images are not decoded.

    Raises:
        OSError: what `keep` raises; a file that cannot be read is `UnusableError`.
    """

    def look(found: Found) -> Outcome:
        try:
            encoded = (folder / found.path).read_bytes()
        except OSError as error:
            return UnusableError(f"cannot be read: {error.strerror or error}")
        try:
            facts = inspect(encoded, known)
        except UnusableError as problem:
            return problem
        if keep:
            keep(found, encoded)
        return facts

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    # Pillow and hashlib release the interpreter lock while they work.
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        with Progress(*columns, console=console or Console(stderr=True), transient=True) as progress:
            task = progress.add_task(what, total=len(files))
            for found, outcome in zip(files, pool.map(look, files), strict=True):
                progress.advance(task)
                yield found, outcome
    finally:
        # Ctrl-C must not wait for the images that nobody needs any more.
        pool.shutdown(cancel_futures=True)
