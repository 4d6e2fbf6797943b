"""The stores as artifacts that ML Metadata knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tfx.types import artifact_utils
from tfx.types.artifact import Artifact, Property, PropertyType

from headstart.components.shared.activations import store
from headstart.components.shared.features import SPLITS


class Activations(Artifact):
    """What a base's frozen part answers for every image, by split."""

    TYPE_NAME = "Activations"
    PROPERTIES = {
        "split_names": Property(type=PropertyType.STRING),
        "depth": Property(type=PropertyType.INT),  # blocks above the cut; 0: embeddings alone
        "views": Property(type=PropertyType.INT),  # of a training image, itself included
        "bytes": Property(type=PropertyType.INT),
    }


class DecodedImages(Artifact):
    """The pixels of every image, by split: a store that is read by row."""

    TYPE_NAME = "DecodedImages"
    PROPERTIES = {
        "split_names": Property(type=PropertyType.STRING),
        "bytes": Property(type=PropertyType.INT),
    }


@contextmanager
def building(artifact: Artifact, made_from: str, about: dict[str, Any]) -> Iterator[tuple[Path, set[str]]]:
    """Build a store; it is published when the block ends without an error.

    Args:
        artifact: the store to be.
        made_from: everything that decides what its shards hold. A run that was cut off resumes from its
            shards where this is the same.
        about: for the store's index.

    Yields:
        Where shards are to be written, and the names of those that an earlier run has left there.
    """
    key = hashlib.sha256(made_from.encode()).hexdigest()[:16]
    staging, done = store.begin(Path(artifact.uri), key)
    yield staging, done
    index = store.publish(staging, Path(artifact.uri), {"key": key, **about})
    artifact.split_names = artifact_utils.encode_split_names(list(SPLITS))
    artifact.bytes = index["bytes"]
