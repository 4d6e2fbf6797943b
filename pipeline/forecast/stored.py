"""What the last study left: the outputs of the base for every image, and what its class numbers mean."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.components.shared.activations.store import CorruptedError, Split, Store
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import LABEL, PATH, TRAIN
from headstart.pipeline import project
from headstart.pipeline.config.file import Config
from headstart.pipeline.data import manifest

REMEDY = "run `dvc repro` first, then `headstart plan` again."


@dataclass(frozen=True)
class Stored:
    """The store of the last study."""

    train: Split
    labels: list[str]  # the classes, in the order of the store's class numbers
    section: dict[str, Any]  # the base, weights resolved
    base: str  # the same in words
    embeddings: np.ndarray  # float32 [images, features], of all splits


def read(config: Config, rows: Sequence[manifest.Row]) -> Stored:
    """Open the store of the last study.

    Args:
        config: all parameters.
        rows: the manifest.

    Raises:
        HeadstartError: no study has left a store, or it is of other images, or of another base, or damaged.
    """
    from headstart.pipeline.study.base import resolve, weights_digest
    from headstart.pipeline.study.embedders import BASE
    from headstart.pipeline.study.lineage import last_run

    nodes = last_run(project.METADATA) if project.METADATA.is_file() else {}
    if BASE not in nodes or not nodes[BASE].outputs["activations"].is_dir():
        raise HeadstartError(f"No study in this folder has stored the outputs of the base: {REMEDY}")
    try:
        store = Store(nodes[BASE].outputs["activations"])
    except CorruptedError as error:
        raise HeadstartError(f"{error.path} is damaged or gone: {REMEDY}") from error
    section = {**config.base.model_dump(), "weights": resolve(config.base.weights, config.dataset)}
    recipe = json.loads(nodes[BASE].settings["recipe"])
    if (recipe["base"], recipe["weights_digest"]) != (section, weights_digest(section["weights"])):
        raise HeadstartError(f"The last study in this folder had another base than params.yaml: {REMEDY}")
    if not nodes["ImageExampleGen"].settings["fingerprint"].startswith(manifest.examples_fingerprint()):
        raise HeadstartError(f"The images or their labels have changed since the last study: {REMEDY}")
    train = store.split(TRAIN)
    parts = [part for parts in store.parts.values() for part in parts.values()]
    label_of = {row[PATH]: row[LABEL] for row in rows}
    # Transform numbers the classes by how many images they have.
    labels = dict(zip(train.labels.tolist(), (label_of[path] for path in train.paths)))
    base = config.base
    return Stored(
        train,
        [labels[number] for number in sorted(labels)],
        section,
        f"{base.architecture}, {Path(base.weights).name}, {base.image_size} px",
        np.concatenate([part.embeddings[:, 0] for part in parts]),
    )
