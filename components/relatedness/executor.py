"""Opens the stores, asks each base's embeddings, writes the report."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tfx.dsl.components.base import base_executor

from headstart.components.relatedness import report
from headstart.components.relatedness.transferability import Probe, logme, probe
from headstart.components.shared.activations.store import Split, Store
from headstart.components.shared.executor import Executes, Execution
from headstart.components.shared.features import TRAIN, VALIDATION
from headstart.components.shared.statistics import mcnemar_two_sided

# Training images, at most: more would take minutes and change no verdict.
_PROBED = 2000


class Executor(Executes, base_executor.BaseExecutor):
    """Compares the base with random weights and with the candidates."""

    def execute(self, execution: Execution) -> None:
        """Write `relatedness.json`; the test split is not read."""
        started = time.perf_counter()
        sections: list[tuple[str, dict[str, Any]]] = execution.settings("bases")
        (base, _), *others = sections
        ours = Store(execution.input_folder("activations"))
        stores = [Store(Path(artifact.uri)) for artifact in execution.inputs.get("candidates", [])]
        images = _images(ours)
        asked = {base: _ask(base, ours, images)}
        for name, section in others:
            asked[name] = _ask(name, _of(name, section, stores), images)
        same, other = asked[base], None
        if execution.has("random"):
            random = Store(execution.input_folder("random"))
            shared = _images(random)  # it may hold fewer images
            same = asked[base] if shared == images else _ask(base, ours, shared)
            other = _ask("random", random, shared)
        content = {
            "base": _compare(base, same, other).figures(),
            "ranking": report.rank({name: (one.logme, one.right.ridge) for name, one in asked.items()}),
            "seconds": time.perf_counter() - started,
        }
        report.write(execution.output_folder("report"), content)


@dataclass(frozen=True)
class _Answer:
    """What the embeddings of one store tell."""

    logme: float
    right: Probe
    images: int  # training images


def _images(store: Store) -> dict[str, list[str]]:
    """The images that a probe looks at, by split."""
    training = store.split(TRAIN)
    probed = [path for path, rank in zip(training.paths, training.ranks) if rank < _PROBED]
    return {TRAIN: probed, VALIDATION: store.split(VALIDATION).paths}


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


def _compare(base: str, answer: _Answer, random: _Answer | None) -> report.Relatedness:
    one, other = answer.right, random.right if random else None
    return report.Relatedness(
        base=base,
        logme=answer.logme,
        ridge=float(one.ridge.mean()),
        centroid=float(one.centroid.mean()),
        random_logme=random.logme if random else None,
        random_ridge=float(other.ridge.mean()) if other else None,
        random_centroid=float(other.centroid.mean()) if other else None,
        images=answer.images,
        validation_images=len(one.ridge),
        p_value=mcnemar_two_sided(one.ridge, other.ridge) if other else None,
    )
