"""The section about unattended runs. No DVC stage depends on it: a change re-runs nothing."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from headstart.pipeline.config.values import Section

SECRET = "secret"  # the type of an error whose message must not show the value


def is_webhook(hook: str) -> bool:
    """Whether a hook is an address, not a command."""
    return hook.startswith(("http://", "https://"))


def _checked(hook: str) -> str:
    if is_webhook(hook) and not _usable(hook):
        raise PydanticCustomError(
            SECRET,
            "is not a usable address: write it as https://host/path, with ASCII characters only, no spaces, "
            "and no user name",
        )
    return hook


def _usable(address: str) -> bool:
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        return False
    return bool(re.fullmatch("[!-~]+", address) and parts.hostname and parts.username is None)


# An address of HTTP or a command; empty: none. An address may hold a secret.
Hook = Annotated[str, AfterValidator(_checked)]


class Schedule(Section):
    """How `headstart schedule` runs, and whom it notifies (docs/schedule.md)."""

    cron: str  # five fields, this machine's time; empty: none
    missed: Literal["run", "skip"]
    busy: Literal["wait", "leave"]
    retries: Annotated[int, Field(ge=0)]
    backoff_minutes: Annotated[float, Field(ge=0.0)]  # before the first retry; doubles with each
    on_failure: Hook
    on_blocked: Hook
    on_promoted: Hook
