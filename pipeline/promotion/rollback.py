"""The commands `rollback` and `history`, and how `serve` catches up with the registry."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline import project
from headstart.pipeline.promotion import publish
from headstart.pipeline.tracking import client, registry
from headstart.pipeline.tracking.registry import Event, Version

COMMAND = "headstart rollback"


def rollback(name: str, number: str | None, reason: str, console: Console) -> Event:
    """Serve another version; the one that was live is not promoted again by itself.

    Args:
        name: of the registered model.
        number: the version; None takes the one that was live before.
        reason: for the record; may be empty.
        console: told of what `serving/` had to catch up with first.

    Raises:
        HeadstartError: there is no such version, it is live already, or the registry cannot be reached.
    """
    with project.lock(project.PROMOTION):
        client.reach(name)
        with client.responding():
            try:
                _follow(name, console)
            except HeadstartError as error:  # what is live cannot be served, and another version is wanted
                console.print(f"[yellow]{escape(str(error))}[/]", soft_wrap=True)
            current = registry.champion(name)
            target = _target(name, number, current)
            because = f": {reason}" if reason else ""
            told = f"rolled back from version {current.number}" if current else "chosen by hand"
            by = project.trigger(COMMAND)
            publish.publish(name, target, told + because, by, withdraws=current is not None)
            return registry.events(name)[0]


def history(name: str, console: Console) -> list[Event]:
    """Every change of the champion, the latest first; `serving/` catches up with the registry before.

    Raises:
        HeadstartError: nothing was ever live, or the registry cannot be reached.
    """
    with project.lock(project.PROMOTION):
        client.reach(name)
        with client.responding():
            _follow(name, console)
            events = registry.events(name)
    if not events:
        raise HeadstartError(f"No version of {name} was ever live: `dvc repro` trains and promotes one.")
    return events


def catch_up(name: str, console: Console) -> None:
    """Bring `serving/` to what the registry names; where that fails, it is reported and no more."""
    if client.is_new():
        return
    try:
        with project.lock(project.PROMOTION), client.impatient(), client.responding():
            _follow(name, console)
    except HeadstartError as error:
        console.print(f"[yellow]{escape(str(error))}[/] What is in serving/ is served.", soft_wrap=True)


def _follow(name: str, console: Console) -> None:
    for told in publish.follow(name):
        console.print(f"[yellow]{escape(told)}[/]", soft_wrap=True)


def _target(name: str, number: str | None, current: Version | None) -> Version:
    known = {one.number: one for one in registry.versions(name)}
    listed = ", ".join(known) or "none yet"
    live = current.number if current else ""
    if number is None:
        earlier = (known[event.version] for event in registry.events(name) if event.version in known)
        good = (one.number for one in earlier if registry.WITHDRAWN not in one.tags)
        number = next((one for one in good if one != live), None)
        if number is None:
            raise HeadstartError(f"No other version of {name} was live before: name one of {listed}.")
    if number not in known:
        raise HeadstartError(f"{name} has no version {number}: name one of {listed}.")
    if number == live:
        raise HeadstartError(f"Version {number} of {name} is live already: name another one of {listed}.")
    return known[number]
