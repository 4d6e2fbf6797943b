"""SavedModels as files."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest(model: Path) -> str:
    """Of a SavedModel's files; a path says little, for TFX counts from 1 again in a new work folder."""
    found = hashlib.sha256()
    for path in [model / "saved_model.pb", *sorted((model / "variables").iterdir())]:
        found.update(path.read_bytes())
    return found.hexdigest()
