"""The base of a study: its weights, resolved, and the network."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.files import replacing
from headstart.components.shared.linear import kept
from headstart.pipeline.config.training import Base
from headstart.pipeline.data import seen
from headstart.pipeline.project import LETTERS, WORK
from headstart.pipeline.serving import models
from headstart.pipeline.startup import library_logs


@dataclass(frozen=True)
class LoadedBase:
    """The base, its resolved settings and the digest of its weights."""

    section: dict[str, Any]  # the section `base` of params.yaml, weights resolved
    weights_digest: str
    network: Any  # a keras.Model
    seen: seen.Seen = seen.NOTHING  # the images that a champion has seen, where the base is a champion's
    prior: dict[str, str] | None = None  # a champion's head, where its base was never trained: file, digest

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
    loaded = LoadedBase(section, weights_digest(section["weights"]), bases.load(**section))
    if base.weights != "champion":
        return loaded
    extra = Path(section["weights"]).parent
    return replace(loaded, seen=seen_by(section["weights"]), prior=_prior(extra / kept.FILE, section))


def seen_by(weights: str) -> seen.Seen:
    """The images that a champion has seen whose weights these are, as `resolve` returns them."""
    return seen.read(Path(weights).with_name(seen.FILE)) or seen.NOTHING


def _prior(file: Path, section: dict[str, Any]) -> dict[str, str] | None:
    """The champion's head, if it was fitted on this base's blocks."""
    if not file.is_file() or kept.read(file).base != kept.same_base(section):
        return None
    return {"file": str(file), "digest": hashlib.sha256(file.read_bytes()).hexdigest()}


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
        return str(_kept(model / models.EXTRA) / "base.weights.h5")
    return weights


def _kept(extra: Path) -> Path:
    """A copy of what the champion leaves to its successors, named by its content: it may be replaced."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(extra.iterdir()))).hexdigest()[:16]
    place = WORK / "champions" / digest
    if not place.is_dir():
        with replacing(place) as fresh:
            shutil.copytree(extra, fresh)
    return place


def weights_digest(weights: str) -> str:
    """SHA-256 of a weights file, or the name of weights that are no file."""
    path = Path(weights)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else weights
