"""The base of a study: its weights, resolved, and the network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config.training import Base
from headstart.pipeline.data import seen
from headstart.pipeline.project import LETTERS
from headstart.pipeline.serving import models
from headstart.pipeline.startup import library_logs


@dataclass(frozen=True)
class LoadedBase:
    """The base, its resolved settings and the digest of its weights."""

    section: dict[str, Any]  # the section `base` of params.yaml, weights resolved
    weights_digest: str
    network: Any  # a keras.Model
    seen: seen.Seen  # the images that a champion has seen; none where the base is no champion's

    @property
    def settings(self) -> dict[str, Any]:
        """What components take, and TFX's cache key with it."""
        return {"base": self.section, "weights_digest": self.weights_digest}


def load(base: Base, dataset: str) -> LoadedBase:
    """Resolve `base.weights` and build the base.

    Raises:
        HeadstartError: the weights are not available, or do not fit.
    """
    with library_logs.loading():
        from headstart.components.shared.base import bases

    section = {**base.model_dump(), "weights": resolve(base.weights, dataset)}
    inherited = None
    if base.weights == "champion":
        inherited = seen.read(Path(section["weights"]).with_name(seen.FILE))
    return LoadedBase(
        section, weights_digest(section["weights"]), bases.load(**section), inherited or seen.NOTHING
    )


def resolve(weights: str, dataset: str) -> str:
    """A name or path of weights as `bases.load` takes it.

    Raises:
        HeadstartError: `champion` is asked for, and there is none.
    """
    if weights == "letters":
        return str(LETTERS)
    if weights == "champion":
        model = models.champion(dataset)
        if model is None:
            raise HeadstartError(
                f"base.weights is 'champion', but {dataset} has none yet: "
                "start from 'imagenet' or a weights file, and promote a model first."
            )
        return str(model / "assets.extra" / "base.weights.h5")
    return weights


def weights_digest(weights: str) -> str:
    """SHA-256 of a weights file, or the name of weights that are no file."""
    path = Path(weights)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else weights
