"""What the last `headstart plan` found, where it is of the same images and the same base."""

from __future__ import annotations

import json

from headstart.pipeline.data import manifest
from headstart.pipeline.report.paths import PLAN
from headstart.pipeline.results.forecast import Forecast


def forecasts(base: str) -> list[Forecast]:
    """The forecasts of the last plan; none where there is no plan, or one of other images or another base.

    Args:
        base: in words, as `Plan.base` has it.
    """
    if not PLAN.is_file():
        return []
    found = json.loads(PLAN.read_text(encoding="utf-8"))
    if (found.get("manifest"), found.get("base")) != (manifest.fingerprint(), base):
        return []
    return [Forecast.from_dict(one) for one in found["forecasts"]]
