"""The store as a whole: published once it is complete, checked when it is opened, read at random."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from components.activations import shards
from components.errors import HeadstartError

INDEX = "index.json"


class CorruptedShardError(HeadstartError):
    """A shard is not what was written."""

    def __init__(self, shard: Path):
        super().__init__(
            f"{shard} is damaged or gone (its content is not the one that its name tells): "
            "run `dvc repro` again, which makes it again."
        )
        self.shard = shard


class Split:
    """The images of one split, or its first by rank, in the order of their paths."""

    def __init__(self, parts: list[shards.Rows], images: int | None = None):
        """Index the rows of some shards.

        Args:
            parts: the split's shards.
            images: take those with rank below this; None takes all.
        """
        found = sorted(
            (path, number, row)
            for number, part in enumerate(parts)
            for row, path in enumerate(part.paths)
            if images is None or part.ranks[row] < images
        )
        self.paths = [path for path, _, _ in found]
        self.labels = np.array([parts[number].labels[row] for _, number, row in found], np.int64)
        self._parts = parts
        self._places = [(number, row) for _, number, row in found]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.paths)

    @property
    def views(self) -> int:
        """Views stored of each image: the image itself and its varied copies."""
        return self._parts[0].embeddings.shape[1]

    def embeddings(self, rows: np.ndarray, views: np.ndarray) -> np.ndarray:
        """Pooled embeddings of some rows, float32 [rows, features]; one view of each, from 0."""
        return self._take("embeddings", rows, views)

    def activations(self, rows: np.ndarray, views: np.ndarray) -> np.ndarray:
        """Activations at the cut, float32 [rows, *cut shape]; one view of each row, from 0."""
        values = self._take("activations", rows, views).astype(np.float32)
        scales = self._take("scales", rows, views)
        return values * scales.reshape(-1, *[1] * (values.ndim - 1))

    def _take(self, column: str, rows: np.ndarray, views: np.ndarray) -> np.ndarray:
        places = [self._places[row] for row in rows]
        return np.stack(
            [getattr(self._parts[part], column)[row, view] for (part, row), view in zip(places, views)]
        )


class Store:
    """A published store, every shard checked."""

    def __init__(self, folder: Path):
        """Open a store.

        Raises:
            CorruptedShardError: a shard's content is not the one that was written.
        """
        self.about: dict[str, Any] = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        self._parts: dict[str, list[shards.Rows]] = {}
        for split, names in self.about["shards"].items():
            files = [folder / name for name in names]
            damaged = next((file for file in files if not shards.is_sound(file)), None)
            if damaged:
                raise CorruptedShardError(damaged)
            self._parts[split] = [shards.read(file) for file in files]

    @property
    def has_activations(self) -> bool:
        """Whether activations at a cut are kept, and not embeddings alone."""
        return self.about["depth"] > 0

    @property
    def seconds_per_view(self) -> float:
        """What running the base on one view of one image took, seconds."""
        rows = [part.embeddings for parts in self._parts.values() for part in parts]
        return self.about["seconds"] / max(1, sum(len(part) * part.shape[1] for part in rows))

    def split(self, name: str, images: int | None = None) -> Split:
        """One split, or its first `images` by rank."""
        return Split(self._parts[name], images)


def unfinished(folder: Path, key: str) -> Path:
    """Where the shards of a store are collected until it is complete: beside the store's own folder."""
    return folder.parent / f"unfinished-{key}"


def publish(staging: Path, folder: Path, about: dict[str, Any]) -> dict[str, Any]:
    """Move the shards that `staging` holds into a store's folder; the index comes last.

    Args:
        staging: holds the shards of all units, named `<split>-…`, and `<unit>.seconds` beside each.
        folder: an existing folder.
        about: what the index says besides: `key`, `depth`, `views`.

    Returns:
        The index: `about`, `shards` by split, `seconds` and `bytes`.
    """
    found = {shards.unit_of(path): path for path in sorted(staging.glob("*.arrow"))}
    names: dict[str, list[str]] = {}
    for unit, path in found.items():
        names.setdefault(unit.split("-")[0], []).append(path.name)
        path.replace(folder / path.name)
    index = {
        **about,
        "bytes": sum(path.stat().st_size for path in folder.glob("*.arrow")),
        "seconds": sum(float(path.read_text()) for path in staging.glob("*.seconds")),
        "shards": names,
    }
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(staging)
    return index


def give_back(folder: Path) -> None:
    """Undo `publish`, so that the Embedder finds the sound shards and makes the others again."""
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    staging = unfinished(folder, index["key"])
    staging.mkdir(exist_ok=True)
    files = [folder / name for names in index["shards"].values() for name in names]
    for file in filter(shards.is_sound, files):
        seconds = index["seconds"] / len(files)
        (staging / f"{shards.unit_of(file)}.seconds").write_text(str(seconds), encoding="utf-8")
        file.replace(staging / file.name)
    shutil.rmtree(folder)


def prune(current: Path, budget: float) -> None:
    """Remove the stores beside this one that were used longest ago, as far as all exceed the budget.

    TFX's cache does without an artifact whose folder is gone: what is asked for again is computed again.
    Unfinished stores of other settings are given up.

    Args:
        current: the store just used; it stays.
        budget: bytes.
    """
    (current / INDEX).touch()
    others = {path.parent: path.stat().st_mtime for path in current.parent.glob(f"*/{INDEX}")}
    del others[current]
    total = _bytes(current)
    for folder in sorted(others, key=lambda one: others[one], reverse=True):
        total += _bytes(folder)
        if total > budget:
            shutil.rmtree(folder)
    for folder in current.parent.glob("unfinished-*"):
        shutil.rmtree(folder)


def _bytes(folder: Path) -> int:
    return json.loads((folder / INDEX).read_text(encoding="utf-8"))["bytes"]
