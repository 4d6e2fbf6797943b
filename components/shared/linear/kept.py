"""A fitted head as a file beside its model, and towards which a later head may be fitted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from headstart.components.shared.linear.features import Candidate
from headstart.components.shared.linear.head import Head

FILE = "head.npz"


@dataclass(frozen=True)
class KeptHead:
    """A head with the classes and the base that it was fitted on."""

    head: Head
    labels: tuple[str, ...]  # of the columns of its weights
    base: dict[str, Any]  # architecture, options, image_size

    def write(self, folder: Path) -> None:
        """Write `head.npz`: arrays and text alone, nothing that a reader would execute."""
        candidate = self.head.candidate
        about = {
            "name": candidate.name,
            "blocks": candidate.blocks,
            "grid": candidate.grid,
            "labels": self.labels,
            "base": self.base,
        }
        text = np.frombuffer(json.dumps(about).encode(), np.uint8)
        np.savez(folder / FILE, weights=self.head.weights, bias=self.head.bias, about=text)

    def for_classes(self, labels: Sequence[str]) -> Head:
        """The head for other classes: one that it does not know has weights and bias of zero."""
        weights = np.zeros((len(self.head.weights), len(labels)), np.float32)
        bias = np.zeros(len(labels), np.float32)
        for column, label in enumerate(labels):
            if label in self.labels:
                known = self.labels.index(label)
                weights[:, column], bias[column] = self.head.weights[:, known], self.head.bias[known]
        return Head(self.head.candidate, weights, bias)


def read(file: Path) -> KeptHead:
    """Read what `write` wrote."""
    with np.load(file, allow_pickle=False) as arrays:
        about = json.loads(arrays["about"].tobytes())
        candidate = Candidate(about["name"], tuple(about["blocks"]), about["grid"])
        head = Head(candidate, arrays["weights"], arrays["bias"])
    return KeptHead(head, tuple(about["labels"]), about["base"])


def same_base(section: dict[str, Any]) -> dict[str, Any]:
    """Of the section `base`, what has to be the same for a head to fit."""
    return {key: section[key] for key in ("architecture", "options", "image_size")}
