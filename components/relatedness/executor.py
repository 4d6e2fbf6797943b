"""Opens the stores, asks each base's embeddings, writes the report."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.activations.store import Split, Store
from components.features import TRAIN, VALIDATION
from components.relatedness import report
from components.relatedness.transferability import Probe, logme, probe

# Training images, at most: more would take minutes and change no verdict.
_PROBED = {"images": 2000, "per_class": None, "draw": 0}


class Executor(base_executor.BaseExecutor):
    """Compares the base with random weights and with the candidates."""

    def Do(
        self,
        input_dict: dict[str, list[Any]],
        output_dict: dict[str, list[Any]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write `relatedness.json`; the test split is not read."""
        started = time.perf_counter()
        sections: list[tuple[str, dict[str, Any]]] = json.loads(exec_properties["bases"])
        (base, _), *others = sections
        ours, random = (
            Store(Path(artifact_utils.get_single_uri(input_dict[name]))) for name in ("activations", "random")
        )
        stores = [Store(Path(artifact.uri)) for artifact in input_dict.get("candidates", [])]
        images = _images(ours)
        asked = {base: _ask(base, ours, images)}
        for name, section in others:
            asked[name] = _ask(name, _of(name, section, stores), images)
        # The store of random weights may hold fewer images.
        shared = _images(random)
        same = asked[base] if shared == images else _ask(base, ours, shared)
        content = {
            "base": _compare(base, same, _ask("random", random, shared)).figures(),
            "ranking": report.rank({name: (one.logme, one.right.ridge) for name, one in asked.items()}),
            "seconds": time.perf_counter() - started,
        }
        report.write(Path(artifact_utils.get_single_uri(output_dict["report"])), content)


@dataclass(frozen=True)
class _Answer:
    """What the embeddings of one store tell."""

    logme: float
    right: Probe
    images: int  # training images


def _images(store: Store) -> dict[str, list[str]]:
    """The images that a probe looks at, by split."""
    return {TRAIN: store.split(TRAIN, _PROBED).paths, VALIDATION: store.split(VALIDATION).paths}


def _ask(name: str, store: Store, images: dict[str, list[str]]) -> _Answer:
    (embeddings, labels), validation = (_read(name, store.split(split), images[split]) for split in images)
    return _Answer(logme(embeddings, labels), probe(embeddings, labels, *validation), len(labels))


def _read(name: str, split: Split, paths: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings and labels of some images."""
    places = {path: row for row, path in enumerate(split.paths)}
    try:
        rows = np.array([places[path] for path in paths])
    except KeyError as error:
        raise ValueError(
            f"the store of {name} is of other images than the one it is compared with"
        ) from error
    return split.embeddings(rows, np.zeros(len(rows), int)), split.labels[rows]


def _of(name: str, section: dict[str, Any], stores: list[Store]) -> Store:
    """The store of a base, known by the section that it was made with."""
    found = next((store for store in stores if store.about.get("base") == section), None)
    if found is None:
        held = [store.about.get("base") for store in stores]
        raise ValueError(f"no store of {name} ({section}) among the candidates', which are of {held}")
    return found


def _compare(base: str, answer: _Answer, random: _Answer) -> report.Relatedness:
    one, other = answer.right, random.right
    return report.Relatedness(
        base=base,
        logme=answer.logme,
        ridge=float(one.ridge.mean()),
        centroid=float(one.centroid.mean()),
        random_logme=random.logme,
        random_ridge=float(other.ridge.mean()),
        random_centroid=float(other.centroid.mean()),
        images=answer.images,
        validation_images=len(one.ridge),
        p_value=report.mcnemar(one.ridge, other.ridge),
    )
