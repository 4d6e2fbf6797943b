"""Names of the files of `reports/`, and how figures are written there."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

METRICS = "metrics.json"
VERDICT = "verdict.json"
SUMMARY = "summary.json"
PAGE = "report.html"
CELLS = "cells.csv"
SLICES = "slices.csv"
PLAN = Path("plan/plan.json")  # of `headstart plan`, in the project's folder


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write figures; infinity becomes null."""
    path.write_text(json.dumps(finite(content), indent=2) + "\n", encoding="utf-8")


def finite(value: Any) -> Any:
    """JSON has no infinity: None stands where a figure has no bound."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
