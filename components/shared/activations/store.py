"""The store as a whole: published once it is complete, checked when it is opened, read at random."""

from __future__ import annotations

import copy
import json
import math
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from headstart.components.shared.activations import shards
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import Feature

INDEX = "index.json"


class CorruptedError(HeadstartError):
    """A shard, or the index, is not what was written."""

    def __init__(self, path: Path):
        super().__init__(
            f"{path} is damaged or gone: remove its folder and run `dvc repro` again, which makes it again."
        )
        self.path = path


class Split:
    """The images of one split, or a subset of them, in the order of their paths."""

    def __init__(self, parts: list[shards.Rows], subset: Collection[str] | None = None):
        """Index the rows of some shards.

        Args:
            parts: the split's shards.
            subset: paths of the images; None takes all.
        """
        found = sorted(
            (path, number, row) for number, part in enumerate(parts) for row, path in enumerate(part.paths)
        )
        if subset is not None:
            wanted = set(subset)
            found = [one for one in found if one[0] in wanted]
            if len(found) < len(wanted):
                missing = min(wanted - {path for path, _, _ in found})
                raise HeadstartError(
                    f"{missing} is in a subset, but not in the store: run `dvc repro` again."
                )
        self.paths = [path for path, _, _ in found]
        self.groups = [parts[number].groups[row] for _, number, row in found]
        self.labels, self.ranks = (
            np.array([getattr(parts[number], column)[row] for _, number, row in found], np.int64)
            for column in ("labels", "ranks")
        )
        self._parts = parts
        self._part = np.array([number for _, number, _ in found], np.int64)
        self._row = np.array([row for _, _, row in found], np.int64)

    def __len__(self) -> int:
        """Number of images."""
        return len(self.paths)

    def rows(self, at: np.ndarray) -> Split:
        """Some of the images, int64 [images] ascending, as a split of their own."""
        part = copy.copy(self)
        part.paths, part.groups = ([values[row] for row in at] for values in (self.paths, self.groups))
        part.labels, part.ranks = self.labels[at], self.ranks[at]
        part._part, part._row = self._part[at], self._row[at]  # noqa: SLF001  # of the same class
        return part

    @property
    def views(self) -> int:
        """Views stored of each image: the image itself and its varied copies."""
        return self._parts[0].embeddings.shape[1]

    @property
    def pooled(self) -> dict[Feature, int]:
        """The widths of the blocks' outputs that the store holds, by block and grid."""
        return {feature: values.shape[1] for feature, values in self._parts[0].pooled.items()}

    def embeddings(self, rows: np.ndarray, views: np.ndarray) -> np.ndarray:
        """Pooled embeddings of some rows, float32 [rows, features]; one view of each, from 0."""
        return self._take([part.embeddings for part in self._parts], rows, views)

    def activations(self, rows: np.ndarray, views: np.ndarray) -> np.ndarray:
        """Activations at the cut, float32 [rows, *cut shape]; one view of each row, from 0."""
        values = self._take([part.activations for part in self._parts], rows, views).astype(np.float32)
        scales = self._take([part.scales for part in self._parts], rows, views)
        return values * scales.reshape(-1, *[1] * (values.ndim - 1))

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """The decoded images, uint8 [rows, size, size, 3]."""
        return self._take([part.pixels for part in self._parts], rows)

    def block(self, feature: Feature, rows: np.ndarray) -> np.ndarray:
        """A block's output on a grid, float16 [rows, cells * channels]."""
        return self._take([part.pooled[feature] for part in self._parts], rows)

    def _take(
        self, arrays: list[np.ndarray], rows: np.ndarray, views: np.ndarray | None = None
    ) -> np.ndarray:
        """Some rows of a column, whose arrays lie shard by shard."""
        parts, places = self._part[rows], self._row[rows]
        shape = arrays[0].shape[1:] if views is None else arrays[0].shape[2:]
        taken = np.empty((len(rows), *shape), arrays[0].dtype)
        for part in np.unique(parts):
            here = parts == part
            at = places[here] if views is None else (places[here], views[here])
            taken[here] = arrays[part][at]
        return taken


class Store:
    """A published store, every shard checked."""

    def __init__(self, folder: Path):
        """Open a store.

        Raises:
            CorruptedError: a shard's content is not the one that was written, or there is no index.
        """
        self.about = _index(folder)
        if not self.about:
            raise CorruptedError(folder / INDEX)
        self.parts: dict[str, dict[Path, shards.Rows]] = {}  # the shards of each split, in their order
        for split, names in self.about["shards"].items():
            files = [folder / name for name in names]
            damaged = next((file for file in files if not shards.is_sound(file)), None)
            if damaged:
                raise CorruptedError(damaged)
            self.parts[split] = {file: shards.read(file) for file in files}

    @property
    def seconds_per_view(self) -> float:
        """What running the base on one view of one image took, wall seconds."""
        return self.about["seconds"] / self._views

    @property
    def cpu_seconds_per_view(self) -> float:
        """The same in CPU seconds; what other threads read and decoded meanwhile is among them."""
        return self.about["cpu_seconds"] / self._views

    @property
    def _views(self) -> int:
        rows = [part.embeddings for parts in self.parts.values() for part in parts.values()]
        return max(1, sum(len(part) * part.shape[1] for part in rows))

    def split(self, name: str, subset: Collection[str] | None = None) -> Split:
        """One split, or the images of a subset of it, by path."""
        return Split(list(self.parts[name].values()), subset)


def begin(folder: Path, key: str) -> tuple[Path, set[str]]:
    """Where a store's shards are to be written, and the units whose shards an earlier run has written there.

    What that run left half done is removed.

    Args:
        folder: of the store to be.
        key: tells stores of other content apart.
    """
    take_back(folder, key)
    staging = unfinished(folder, key)
    staging.mkdir(parents=True, exist_ok=True)
    for path in staging.glob("*.partial-*"):
        path.unlink()
    found = list(staging.glob("*.arrow"))
    for path in found:
        if not shards.is_sound(path):
            path.unlink()
    return staging, {shards.unit_of(path) for path in found if path.exists()}


def write(staging: Path, unit: str, rows: shards.Rows, seconds: tuple[float, float]) -> str:
    """Write one shard, and before it the seconds that it took: nothing is whole until the shard is there.

    Args:
        staging: from `begin`.
        unit: `<split>-…`, the same each time that these rows are made.
        rows: the content.
        seconds: wall and CPU.
    """
    shards.write_whole(staging / f"{unit}.seconds", " ".join(map(str, seconds)).encode())
    return shards.write(staging, unit, rows).name


def unfinished(folder: Path, key: str) -> Path:
    """Where the shards of a store are collected until it is complete: beside the store's own folder."""
    return folder.parent / f"unfinished-{key}"


def publish(staging: Path, folder: Path, about: dict[str, Any]) -> dict[str, Any]:
    """Make a store of the shards that `staging` holds, in one step: it is there as a whole or not at all.

    Args:
        staging: holds the shards of all units, named `<split>-…`, and `<unit>.seconds` (wall and CPU) beside
            each.
        folder: where to; an empty folder.
        about: what the index says besides: `key`; of activations `depth`, `views`, `base` (its section of the
            recipe).

    Returns:
        The index: `about`, `shards` by split, `seconds` (wall), `cpu_seconds` and `bytes`.
    """
    found = {shards.unit_of(path): path for path in sorted(staging.glob("*.arrow"))}
    names: dict[str, list[str]] = {}
    for unit, path in found.items():
        names.setdefault(unit.split("-")[0], []).append(path.name)
    index = {
        **about,
        "bytes": sum(path.stat().st_size for path in found.values()),
        **_seconds(staging),
        "shards": names,
    }
    shards.write_whole(staging / INDEX, (json.dumps(index, indent=1) + "\n").encode())
    staging.replace(folder)
    return index


def _seconds(staging: Path) -> dict[str, float]:
    spent = [(path.read_text() or "0 0").split() for path in staging.glob("*.seconds")]
    return {
        "seconds": sum(float(wall) for wall, _ in spent),
        "cpu_seconds": sum(float(cpu) for _, cpu in spent),
    }


def give_back(folder: Path) -> None:
    """Undo `publish`, so that the Embedder finds the sound shards and makes the others again.

    Without an index there is no telling what the shards are of: the folder is removed.
    """
    index = _index(folder)
    if not index:
        shutil.rmtree(folder)
        return
    staging = unfinished(folder, index["key"])
    shutil.rmtree(staging, ignore_errors=True)
    folder.replace(staging)
    (staging / INDEX).unlink()


def take_back(folder: Path, key: str) -> None:
    """Give back a whole store of this very key, if there is one beside `folder`.

    It is one that a run was killed over, after `publish` and before TFX knew of it.
    """
    for found in _published(folder.parent):
        if _index(found).get("key") == key:
            give_back(found)


def prune(current: Path, budget: float) -> None:
    """Remove the stores beside this one that were used longest ago, as far as all exceed the budget.

    TFX's cache does without an artifact whose folder is gone: what is asked for again is computed again.
    Unfinished stores of other settings are given up.

    Args:
        current: the store just used; it stays.
        budget: bytes.
    """
    os.utime(current)
    total = _index(current)["bytes"]
    others = [folder for folder in _published(current.parent) if folder != current]
    for folder in sorted(others, key=lambda one: one.stat().st_mtime, reverse=True):
        size = _index(folder).get("bytes", math.inf)  # what has no index is of no use
        if total + size <= budget:
            total += size
        else:
            # In one step out of the sight of TFX's cache, which looks whether the folder is there.
            folder.replace(unfinished(folder, f"removed-{folder.name}"))
    for folder in current.parent.glob("unfinished-*"):
        shutil.rmtree(folder)


def _published(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.name.isdigit()]


def _index(folder: Path) -> dict[str, Any]:
    """A store's index; empty where there is none, or half of one."""
    try:
        return json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
