"""One shard of the store: an Arrow file of some rows, whose name carries its checksum."""

from __future__ import annotations

import errno
import hashlib
import math
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import Feature
from headstart.components.shared.files import replacing

_SHARD = 32 << 20  # bytes, about, of a shard's images and of what they become
_ARRAYS = ("embeddings", "activations", "scales", "pixels")
_SOUND: set[tuple[str, int, int, int]] = set()  # files that were found sound: path, inode, bytes, change


def images_of(size: int) -> int:
    """Images of a shard, where one takes `size` bytes: a power of two, so that shards and batches fit."""
    return 2 ** int(math.log2(max(1, min(1024, _SHARD // size))))


def _none() -> np.ndarray:
    """What a store does not hold."""
    return np.zeros((0, 0), np.float16)


@dataclass(frozen=True)
class Rows:
    """Some images, with what a store holds of them.

    View 0 is the image itself, the others are varied copies of it.
    """

    paths: list[str]
    groups: list[str]
    labels: np.ndarray  # int64 [images]: positions in the vocabulary
    ranks: np.ndarray  # int64 [images]
    embeddings: np.ndarray = field(
        default_factory=_none
    )  # float32 [images, views, features]: the base's output, pooled
    activations: np.ndarray = field(default_factory=_none)  # float16 [images, views, *cut shape]
    scales: np.ndarray = field(
        default_factory=_none
    )  # float32 [images, views]: what activations are to be multiplied with
    # Of view 0, the outputs of the blocks, pooled: float16 [images, cells * channels] by block and grid.
    pooled: dict[Feature, np.ndarray] = field(default_factory=dict)
    pixels: np.ndarray = field(default_factory=_none)  # uint8 [images, size, size, 3]


def write(folder: Path, unit: str, rows: Rows) -> Path:
    """Write a shard under its final name in one step: a file of that name is complete.

    Args:
        folder: where to.
        unit: name of the rows, the same each time that they are made.
        rows: the content.

    Returns:
        The file, `<unit>.<digest>.arrow`.

    Raises:
        HeadstartError: the disk is full.
    """
    columns = {
        "path": pa.array(rows.paths, pa.string()),
        "group": pa.array(rows.groups, pa.string()),
        "label": pa.array(rows.labels),
        "rank": pa.array(rows.ranks),
    }
    shapes = {}
    arrays = {name: getattr(rows, name) for name in _ARRAYS}
    arrays |= {f"block {block} grid {grid}": values for (block, grid), values in rows.pooled.items()}
    for name, values in arrays.items():
        if values.size:
            shapes[name] = repr(values.shape[1:])
            columns[name] = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values[0].size)
    table = pa.table(columns).replace_schema_metadata(shapes)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    content = sink.getvalue()
    path = folder / f"{unit}.{_digest(content)}.arrow"
    write_whole(path, content)
    return path


def write_whole(path: Path, content: bytes | pa.Buffer) -> None:
    """Write a file under another name first: a file of its own name is complete.

    Raises:
        HeadstartError: the disk is full.
    """
    with replacing(path, f"partial-{os.getpid()}") as partial, full_disk_told(path.parent):
        partial.write_bytes(content)


@contextmanager
def full_disk_told(folder: Path) -> Iterator[None]:
    """Say what helps where a disk is full, instead of what the system says."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise HeadstartError(
            f"The disk that holds {folder} is full: free some space, or lower augment.views or "
            "store.budget_gb in params.yaml; what was written so far is kept."
        ) from error


def unit_of(path: Path) -> str:
    """The unit that a shard's name carries."""
    return path.name.rsplit(".", 2)[0]


def is_sound(path: Path) -> bool:
    """Whether a shard's content is the one that its name was made from.

    A file is read once a process: every cell of a study opens the store.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            state = os.fstat(file.fileno())
            known = (str(path), state.st_ino, state.st_size, state.st_mtime_ns)
            if known not in _SOUND and path.name.rsplit(".", 2)[1] == _digest(content):
                _SOUND.add(known)
            return known in _SOUND
    except (OSError, ValueError, IndexError):  # absent, empty, a foreign name
        return False


def read(path: Path) -> Rows:
    """Map a shard into memory: only what is asked for is read from the disk."""
    table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    shapes = {name.decode(): _shape(text.decode()) for name, text in table.schema.metadata.items()}
    arrays = {
        name: table[name].chunk(0).flatten().to_numpy(zero_copy_only=True).reshape(len(table), *shape)
        for name, shape in shapes.items()
    }
    pooled = {}
    for name in arrays.keys() - set(_ARRAYS):
        _, block, _, grid = name.split()
        pooled[int(block), int(grid)] = arrays.pop(name)
    return Rows(
        table["path"].to_pylist(),
        table["group"].to_pylist(),
        table["label"].to_numpy(),
        table["rank"].to_numpy(),
        **arrays,
        pooled=pooled,
    )


def _digest(content: pa.Buffer | mmap.mmap) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _shape(text: str) -> tuple[int, ...]:
    return tuple(int(side) for side in text.strip("()").split(",") if side.strip())
