"""What a DVC stage leaves as its output: what went in, and nothing that differs between two such runs.

`dvc.lock` is in git and holds a digest of every output. Metrics and models differ a little between machines
and stacks, so they are not DVC outputs: a clone that runs the same inputs ends with the same `dvc.lock`.
"""

from __future__ import annotations

import json
from typing import Any

from headstart.pipeline.project import RECEIPTS


def write(stage: str, content: dict[str, Any]) -> None:
    """Write a stage's receipt."""
    RECEIPTS.mkdir(exist_ok=True)
    text = json.dumps(content, indent=2, sort_keys=True) + "\n"
    (RECEIPTS / f"{stage}.json").write_text(text, encoding="utf-8")


def withdraw(stage: str) -> None:
    """Remove a stage's receipt, if there is one."""
    (RECEIPTS / f"{stage}.json").unlink(missing_ok=True)
