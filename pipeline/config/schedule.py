"""The section about unattended runs. No DVC stage depends on it: a change re-runs nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from headstart.pipeline.config.values import Section


class Schedule(Section):
    """How `headstart schedule` runs, and whom it notifies (docs/schedule.md)."""

    cron: str  # five fields, this machine's time; empty: none
    missed: Literal["run", "skip"]
    busy: Literal["wait", "leave"]
    retries: Annotated[int, Field(ge=0)]
    backoff_minutes: Annotated[float, Field(ge=0.0)]  # before the first retry; doubles with each
    on_failure: str  # a hook: an address of HTTP or a command; empty: none
    on_blocked: str
    on_promoted: str
