"""The model registry: versions of a model, which one is the champion, and what happened to them.

The alias `champion` is the one truth about what is live; `serving/` follows it. What was live when is in tags
of the registered model, so that all who share a registry see it.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import seen
from headstart.pipeline.promotion.decision import CHALLENGER, CHAMPION
from headstart.pipeline.tracking.candidates import Logged
from headstart.pipeline.tracking.client import connect, first_line

_BEGUN = "publishing"  # a change of the champion that has begun, until it has ended
_EVENT = re.compile(r"live \d{4}-\d\d-\d\dT[\d:.]+Z")  # a change of the champion
DIGEST = "model_digest"
WITHDRAWN = "withdrawn"  # why a version was rolled back from


@dataclass(frozen=True)
class Version:
    """A registered model; `number` counts from 1."""

    number: str
    model_uri: str
    run_id: str
    tags: dict[str, str]


@dataclass(frozen=True)
class Event:
    """A change of the champion."""

    at: str  # UTC, ISO 8601
    version: str  # that went live
    before: str  # the version that was live until then; empty for none
    reason: str
    by: str  # a command, or what else moved the alias
    withdraws: bool = False  # whether the version before is not to be promoted again

    @staticmethod
    def now(version: str, before: str, reason: str, by: str, withdraws: bool = False) -> Event:
        """A change at this moment."""
        at = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return Event(at, version, before, reason[:2000], by, withdraws)


def register(
    name: str, logged: Logged, digest: str, tags: dict[str, str], description: str, images: Path
) -> Version:
    """Register a model once; describe it anew each time.

    Args:
        name: of the registered model.
        logged: the model.
        digest: of its SavedModel.
        tags: of the version.
        description: Markdown.
        images: the file of the images that it has seen, to be kept with its run.
    """
    client = connect()
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    known = next((one for one in versions(name) if one.model_uri == logged.model_uri), None)
    number = known.number if known else ""
    if not known:
        client.log_artifact(logged.run_id, str(images))
        made = client.create_model_version(
            name,
            logged.model_uri,
            run_id=logged.run_id,
            tags={"model_uri": logged.model_uri, DIGEST: digest},
            model_id=logged.model_uri.removeprefix("models:/"),  # a server asks for it
        )
        number = str(made.version)
    for key, value in tags.items():
        client.set_model_version_tag(name, number, key, value[:5000])
    client.update_model_version(name, number, description=description)
    return version(name, number)


def versions(name: str) -> list[Version]:
    """All versions, the latest first."""
    found = connect().search_model_versions(f"name = '{name}'", max_results=10_000)
    return sorted(map(_version, found), key=lambda one: -int(one.number))


def version(name: str, number: str) -> Version:
    """One version."""
    return _version(connect().get_model_version(name, number))


def champion(name: str) -> Version | None:
    """The version that the alias names, or None where there is none."""
    number = _registered(name)[1].get(CHAMPION)
    return version(name, number) if number else None


def make_champion(name: str, number: str) -> None:
    """Give a version the alias; it is no challenger any more."""
    client = connect()
    client.set_registered_model_alias(name, CHAMPION, number)
    if _registered(name)[1].get(CHALLENGER) == number:
        client.delete_registered_model_alias(name, CHALLENGER)


def make_challenger(name: str, number: str) -> None:
    """Give a version the alias of what was judged last and is not live."""
    connect().set_registered_model_alias(name, CHALLENGER, number)


def withdraw(name: str, number: str, reason: str) -> None:
    """Note that a version was rolled back from: it is not promoted again."""
    connect().set_model_version_tag(name, number, WITHDRAWN, reason[:5000])


def reinstate(name: str, number: str) -> None:
    """Take that note away."""
    if WITHDRAWN in version(name, number).tags:
        connect().delete_model_version_tag(name, number, WITHDRAWN)


def begin(name: str, event: Event) -> None:
    """Note a change before it is made."""
    connect().set_registered_model_tag(name, _BEGUN, _text(event))


def begun(name: str) -> Event | None:
    """A change that has begun and has not ended, as where a process was killed."""
    text = _registered(name)[0].get(_BEGUN)
    return Event(**json.loads(text)) if text else None


def end(name: str) -> None:
    """A change is done, or given up."""
    if begun(name):
        connect().delete_registered_model_tag(name, _BEGUN)


def record(name: str, event: Event) -> None:
    """Keep a change for good; the same one again is the same record."""
    connect().set_registered_model_tag(name, f"live {event.at}", _text(event))


def events(name: str) -> list[Event]:
    """All changes, the latest first."""
    tags = _registered(name)[0]
    found = [Event(**json.loads(text)) for key, text in tags.items() if _EVENT.fullmatch(key)]
    return sorted(found, key=lambda event: event.at, reverse=True)


def saved_model(model_uri: str) -> Path:
    """The SavedModel inside a logged model, fetched where the server is elsewhere.

    Raises:
        HeadstartError: it is not there, as in a model that somebody else registered.
    """
    import mlflow
    from mlflow.exceptions import MlflowException

    connect()
    try:
        folder = Path(mlflow.artifacts.download_artifacts(model_uri)) if model_uri else None
    except (MlflowException, OSError) as error:
        raise HeadstartError(
            f"The files of the registered model {model_uri} cannot be read ({first_line(error)}): give the "
            "alias champion to another version in MLflow, or restore them."
        ) from error
    found = list(folder.glob("artifacts/*/saved_model.pb")) if folder else []
    if not found:
        raise HeadstartError(
            f"The registered model '{model_uri}' is not one that headstart logged, so it cannot be served: "
            "give the alias champion to another version in MLflow."
        )
    return found[0].parent


def images_seen(one: Version) -> seen.Seen | None:
    """The images that a version has seen; None where nothing says, as of versions of earlier releases."""
    client = connect()
    if seen.FILE not in {file.path for file in client.list_artifacts(one.run_id)}:
        return None
    return seen.read(Path(client.download_artifacts(one.run_id, seen.FILE)))


def _registered(name: str) -> tuple[dict[str, str], dict[str, str]]:
    """Tags and aliases of a registered model; nothing where there is none."""
    found = connect().search_registered_models(f"name = '{name}'")
    if not found:
        return {}, {}
    return dict(found[0].tags), {alias: str(number) for alias, number in found[0].aliases.items()}


def _version(found: Any) -> Version:
    return Version(str(found.version), found.tags.get("model_uri", ""), found.run_id, dict(found.tags))


def _text(event: Event) -> str:
    return json.dumps(asdict(event), ensure_ascii=False)
