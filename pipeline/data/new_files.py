"""Which files of a folder are new to `data/`, by their bytes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection

from headstart.pipeline.data.layout import Found, Layout
from headstart.pipeline.project import DATA

_THERE = f"already in {DATA}/"
_REMOVED = f"removed from {DATA}/ earlier; --again takes it"


def new_files(
    given: Layout, old: Layout, removed: Collection[str] = ()
) -> tuple[list[Found], list[tuple[str, str]]]:
    """The files whose bytes are new, each content once, and (path, reason) of the others.

    Files of another size have other bytes, so of `data/` only those of the same size are read.

    Args:
        given: the folder.
        old: `data/`.
        removed: SHA-256 of images that do not come back.
    """
    of_size: dict[int, list[Found]] = defaultdict(list)
    for found in old.files:
        of_size[(old.folder / found.path).stat().st_size].append(found)
    known: dict[str, Found] = {}  # of data/, by digest
    copies: dict[str, list[Found]] = defaultdict(list)  # of the folder, by digest
    new, skipped = [], []
    for found in given.files:
        try:
            encoded = (given.folder / found.path).read_bytes()
        except OSError:
            new.append(found)  # the copy tells why
            continue
        for other in of_size.pop(len(encoded), []):
            known[_digest((old.folder / other.path).read_bytes())] = other
        copies[_digest(encoded)].append(found)
    for digest, same in copies.items():
        labels = {found.label for found in same}
        for found in same:
            if twin := known.get(digest):
                where = "" if twin.label == found.label else f" as '{twin.label}'"
                skipped.append((found.path, f"{_THERE}{where}"))
            elif digest in removed:
                skipped.append((found.path, _REMOVED))
            elif len(labels) > 1:
                other = next(twin for twin in same if twin.label != found.label)
                skipped.append((found.path, f"the same file as {other.path}, under another label"))
            elif found is same[0]:
                new.append(found)
            else:
                skipped.append((found.path, f"the same file as {same[0].path}"))
    return new, skipped


def _digest(encoded: bytes) -> str:
    return hashlib.sha256(encoded).hexdigest()
