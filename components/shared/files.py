"""Files and folders that appear whole or not at all; paths that stay in their folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath


def leads_outside(path: str) -> bool:
    """Whether a path, relative to some folder, may leave that folder by its names; links are not followed."""
    named = PurePosixPath(path)
    return ".." in named.parts or named.is_absolute()


@contextmanager
def replacing(path: Path, writer: str = "writing") -> Iterator[Path]:
    """Yield a place beside `path` for a file or a folder, which then takes the place of `path`.

    A reader sees the old content or the new one, and for a moment, while folders are renamed, none. Where the
    block fails, the old content stays.

    Args:
        path: of the file or folder; its own folder is made if absent.
        writer: a name for the unfinished content. Give each of several processes that may write the same
            file at the same time its own.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = (path.with_name(f".{path.name}.{name}") for name in (writer, f"{writer}-old"))
    for left in (fresh, old):  # by a process that was killed
        remove(left)
    try:
        yield fresh
        if path.is_dir():  # no folder can replace one that is not empty
            path.rename(old)
        fresh.replace(path)
    finally:
        remove(fresh)
        remove(old)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it, where there is one."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
