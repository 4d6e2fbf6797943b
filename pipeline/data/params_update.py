"""After an import, params.yaml takes the dataset's name and, in place of the demo's base, one for photos."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console
from ruamel.yaml import YAML

from headstart.components.shared.files import replacing

# The demo's base knows printed letters at 32 pixels. From random weights, a deep network needs lower rates
# than the demo's, a longer search to tell them apart, and more epochs. Written as YAML, so that 0.00001 stays
# as people write it: YAML 1.1 takes 1e-05 for a string.
_DEMO_WEIGHTS = "letters"
_PHOTOS = """
base.architecture: MobileNetV2
base.weights: imagenet
base.image_size: 224
base.options: {}
augment.flip: true
textbook.learning_rate: 0.00001
scratch.epochs: 30
scratch.steps: 1000
scratch.learning_rates: [0.02, 0.05, 0.1]
scratch.search_steps: 300
study.strategies: [frozen, fine_tune, textbook, random_blocks, scratch]
"""


def adopt(params: Path, dataset: str, console: Console) -> dict[str, tuple[Any, Any]]:
    """Name the dataset in params.yaml and, where the demo's base is still set, choose a base for photos.

    Comments, order and every other value stay; the file is written only where a value changes, in one step.

    Returns:
        The old and the new value of each key that changed.
    """
    yaml = YAML()
    yaml.width = 4096
    yaml.preserve_quotes = True
    document = yaml.load(params.read_text(encoding="utf-8"))
    wanted = {"dataset": dataset}
    if document["base"]["weights"] == _DEMO_WEIGHTS:
        wanted |= yaml.load(_PHOTOS)
    changed = {}
    for key, value in wanted.items():
        *sections, last = key.split(".")
        section = document
        for part in sections:
            section = section[part]
        if section[last] != value:
            changed[key] = (section[last], value)
            section[last] = value
            _move_comment_up(section, last)
    if changed:
        text = io.StringIO()
        yaml.dump(document, text)
        with replacing(params) as fresh:
            fresh.write_text(text.getvalue(), encoding="utf-8")
        _tell(params, changed, console)
    return changed


def _tell(params: Path, changed: dict[str, tuple[Any, Any]], console: Console) -> None:
    console.print(f"Changed in {params.name}, to fit these images:")
    for key, (old, new) in changed.items():
        console.print(f"  {key}: {_written(old)} → {_written(new)}", markup=False)
    console.print(
        f"To undo, write the old values back, or `git checkout {params.name}` if the file was committed.",
        markup=False,
        soft_wrap=True,
    )


def _move_comment_up(section: Any, key: str) -> None:
    """One space before the key's comment; ruamel would keep the column that it had."""
    comment = section.ca.items.get(key)
    if comment and comment[2]:
        comment[2].column = 0


def _written(value: Any) -> str:
    """A value as params.yaml writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10f}".rstrip("0") if isinstance(value, float) else str(value)
