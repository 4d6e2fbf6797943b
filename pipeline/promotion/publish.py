"""Changes of what is live: the registry's alias first, `serving/` after it, and a record of it.

A change is noted before it is made. So after a crash at any point the alias still names one champion, and the
next command brings the change to its end, or forgets it where the alias was not moved yet.
"""

from __future__ import annotations

from pathlib import Path

from headstart.pipeline.data import seen
from headstart.pipeline.serving import models
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.tracking import registry
from headstart.pipeline.tracking.registry import Event, Version


def publish(
    name: str, version: Version, reason: str, by: str, model: Path | None = None, withdraws: bool = False
) -> Path:
    """Make a version the champion, and serve it.

    Args:
        name: of the registered model.
        version: the new champion.
        reason: for the record.
        by: the command that asks for it.
        model: its SavedModel where it is at hand; None fetches it from the registry.
        withdraws: whether the version that was live is not to be promoted again.

    Returns:
        Where it is served from.
    """
    model = model or registry.saved_model(version.model_uri)  # what cannot be fetched changes nothing
    before = registry.champion(name)
    event = Event.now(version.number, before.number if before else "", reason, by, withdraws)
    registry.begin(name, event)
    registry.make_champion(name, version.number)
    return _finish(name, version, event, model)


def follow(name: str) -> list[str]:
    """Bring `serving/` to what the alias names: after a crash, or after someone moved it in MLflow.

    Returns:
        What was done, in sentences; empty where all is as it should be.
    """
    models.clear_leftovers(name)
    begun, current = registry.begun(name), registry.champion(name)
    if begun and current and begun.version == current.number:
        _finish(name, current, begun, registry.saved_model(current.model_uri))
        return [f"A promotion was cut off; version {current.number} is now served."]
    if begun:
        registry.end(name)  # it was cut off before the alias was moved
    if current is None:
        left = models.champion(name)
        return [f"The registry has no champion of {name}; {left} is served as before."] if left else []
    told = []
    last = next(iter(registry.events(name)), None)
    if last is None:  # a project of an earlier release
        registry.record(name, Event.now(current.number, "", "it was the champion already", "MLflow"))
    elif last.version != current.number:
        reason = "the alias champion was moved by hand"
        registry.record(name, Event.now(current.number, last.version, reason, "MLflow"))
        told = [f"The alias champion was moved from version {last.version} to version {current.number}."]
    served = models.champion(name)
    if served is None or digest(served) != _digest(current):
        place = _serve(name, current, registry.saved_model(current.model_uri))
        told.append(f"Version {current.number} is now served from {place}.")
    return told


def model_of(name: str, version: Version) -> Path:
    """The SavedModel of a version: the one that is served where it is that one, else the registry's."""
    served = models.champion(name)
    if served is not None and digest(served) == version.tags.get(registry.DIGEST):
        return served
    return registry.saved_model(version.model_uri)


def _finish(name: str, version: Version, event: Event, model: Path) -> Path:
    registry.make_champion(name, version.number)  # once more: a kill may have left it the challenger, too
    registry.reinstate(name, version.number)
    if event.withdraws and event.before:
        registry.withdraw(name, event.before, event.reason)
    place = _serve(name, version, model)
    registry.record(name, event)
    registry.end(name)
    return place


def _serve(name: str, version: Version, model: Path) -> Path:
    known = {one.tags[registry.DIGEST] for one in registry.versions(name) if registry.DIGEST in one.tags}
    images = registry.images_seen(version) or seen.NOTHING
    return models.put(model, name, version.number, images, known | {digest(model)})


def _digest(version: Version) -> str:
    """Of a version's SavedModel; versions of earlier releases do not have it among their tags."""
    return version.tags.get(registry.DIGEST) or digest(registry.saved_model(version.model_uri))
