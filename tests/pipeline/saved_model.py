"""Files like a SavedModel's, for what only copies and compares them."""

from __future__ import annotations

from pathlib import Path


def saved(folder: Path, content: str) -> Path:
    """Write them; another content has another digest."""
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text(content)
    (folder / "variables/variables.index").write_text(content)
    return folder
