"""The photos of a folder that nobody has labelled: found, embedded, and kept for the next time."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from headstart.components.image_example_gen.images import for_graph
from headstart.components.image_example_gen.opener import UnusableError
from headstart.components.shared.activations import shards
from headstart.components.shared.activations.store import Split
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.files import remove
from headstart.pipeline import code_digest
from headstart.pipeline.data import manifest
from headstart.pipeline.project import DATA, WORK
from headstart.pipeline.startup import library_logs
from headstart.pipeline.study.base import weights_digest

if TYPE_CHECKING:
    from headstart.components.embedder.forward import Forward

CACHE = WORK / "pool"
_AT_A_TIME = 64  # photos; what is embedded is kept after so many


@dataclass(frozen=True)
class Pool:
    """The photos that can be labelled, exact copies left out."""

    paths: list[str]  # below the folder, in the order of `split`
    split: Split  # their features; its paths are SHA-256 of the files
    skipped: dict[str, int]  # files by the reason why they are skipped, the most frequent one first


def embed(
    folder: Path, base: dict[str, Any], rows: Sequence[manifest.Row], grids: Sequence[int], console: Console
) -> Pool:
    """Run the base on the photos of a folder, as the study ran it on its images.

    Photos that an earlier call embedded with this base are read from `.headstart/pool/`.

    Args:
        folder: looked through at any depth; hidden files and folders are passed over.
        base: its section of params.yaml, weights resolved.
        rows: the manifest; images that are in it are no photos to label.
        grids: that the store has.
        console: where the progress bar goes.

    Raises:
        HeadstartError: no such folder, it is in data/, or it holds no new photo.
    """
    files, skipped = _files(folder, {row["sha256"] for row in rows})
    model = {
        "base": {**base, "digest": weights_digest(base["weights"])},
        "grids": list(grids),
        "code": code_digest.of_component("embedder.forward", "transform.preprocessing"),
    }
    cache = CACHE / hashlib.sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()[:16]
    for other in CACHE.glob("*"):  # of another base
        if other != cache:
            remove(other)
    cache.mkdir(parents=True, exist_ok=True)
    known = _cached(cache, files)
    missing = files.keys() - set().union(*known.values())
    if missing:
        new = {digest: folder / path for digest, path in files.items() if digest in missing}
        unusable = _make(cache, new, base, grids, console)
        skipped.update(unusable.values())
        files = {digest: path for digest, path in files.items() if digest not in unusable}
        known = _cached(cache, files)
    if not files:
        told = ", ".join(f"{reason}: {number:,}" for reason, number in skipped.most_common()) or "no files"
        raise HeadstartError(f"{folder} holds no photos to label ({told}): name a folder with other photos.")
    split = Split([shards.read(file) for file in known], files)
    return Pool([files[digest] for digest in split.paths], split, dict(skipped.most_common()))


def _files(folder: Path, labelled: set[str]) -> tuple[dict[str, str], Counter[str]]:
    """The path of each content that is not in data/, by SHA-256; the number of skipped files, by reason."""
    remedy = "give --pool a folder of photos without labels."
    if not folder.is_dir():
        raise HeadstartError(f"{folder} is not a folder: {remedy}")
    if folder.resolve().is_relative_to(DATA.resolve()):
        raise HeadstartError(f"{folder} is in {DATA}/, whose images have labels: {remedy}")
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    paths = sorted(path.as_posix() for path in found if not any(part.startswith(".") for part in path.parts))
    files: dict[str, str] = {}
    skipped: Counter[str] = Counter()
    with ThreadPoolExecutor() as threads:
        for path, digest in zip(paths, threads.map(lambda path: _digest(folder / path), paths)):
            if not digest:
                skipped["cannot be read"] += 1
            elif digest in labelled:
                skipped[f"already in {DATA}/"] += 1
            elif digest in files:
                skipped["copy of another photo"] += 1
            else:
                files[digest] = path
    return files, skipped


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty where it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _cached(cache: Path, files: dict[str, str]) -> dict[Path, set[str]]:
    """The shards and the photos in them; a shard that is damaged, or holds none of the files, is removed."""
    found = {}
    for file in sorted(cache.glob("*.arrow")):
        photos = set(shards.read(file).paths) & files.keys() if shards.is_sound(file) else set()
        if photos:
            found[file] = photos
        else:
            file.unlink()
    return found


def _make(
    cache: Path, files: dict[str, Path], base: dict[str, Any], grids: Sequence[int], console: Console
) -> dict[str, str]:
    """Embed photos into new shards; the reason for each file that holds no usable image, by SHA-256."""
    unusable: dict[str, str] = {}
    model: Forward | None = None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Embedding photos", total=len(files))
        for some in _chunks(list(files)):
            encoded = {}
            with ThreadPoolExecutor() as threads:
                for digest, content in zip(some, threads.map(lambda one: _usable(files[one]), some)):
                    if isinstance(content, str):
                        unusable[digest] = content
                    else:
                        encoded[digest] = content
            if encoded:
                model = model or _loaded(base, grids)
                rows = _rows(model, encoded, base["image_size"])
                shards.write(cache, min(encoded), rows)
            progress.advance(task, len(some))
    return unusable


def _chunks(digests: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(digests), _AT_A_TIME):
        yield digests[start : start + _AT_A_TIME]


def _usable(path: Path) -> bytes | str:
    """A file that the graph can decode, or why there is none."""
    try:
        return for_graph(path.read_bytes(), checked=True)
    except OSError:
        return "cannot be read"
    except UnusableError as error:
        return str(error)


def _loaded(base: dict[str, Any], grids: Sequence[int]) -> Forward:
    with library_logs.loading():
        from headstart.components.embedder.forward import Forward

    return Forward(base, 0, {}, _AT_A_TIME, grids)


def _rows(model: Forward, encoded: dict[str, bytes], size: int) -> shards.Rows:
    """The features of some photos, by name."""
    from headstart.components.embedder.chunks import Chunk
    from headstart.components.transform.preprocessing import decode

    names, none = list(encoded), np.zeros(len(encoded), np.int64)
    pixels = np.stack([decode(content, size).numpy() for content in encoded.values()])
    return model.rows(Chunk(names[0], 1, names, names, none, none, pixels))[0]
