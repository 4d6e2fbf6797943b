"""The model registry: versions and their aliases."""

from __future__ import annotations

from pathlib import Path

from headstart.pipeline.promotion.decision import CHALLENGER, CHAMPION, Decision
from headstart.pipeline.tracking.candidates import Logged
from headstart.pipeline.tracking.client import connect


def register(name: str, logged: Logged, decision: Decision) -> str:
    """Register a model (once) and give it the alias that was decided.

    Returns:
        The version's number.
    """
    client = connect()
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    versions = client.search_model_versions(f"name = '{name}'")
    known = next((v for v in versions if v.tags.get("model_uri") == logged.model_uri), None)
    made = known or client.create_model_version(
        name,
        logged.model_uri,
        run_id=logged.run_id,
        tags={"model_uri": logged.model_uri},
        model_id=logged.model_uri.removeprefix("models:/"),  # a server asks for it
    )
    number = str(made.version)
    client.set_model_version_tag(name, number, "decision", decision.reason)
    if decision.promoted and str(client.get_registered_model(name).aliases.get(CHALLENGER)) == number:
        client.delete_registered_model_alias(name, CHALLENGER)
    client.set_registered_model_alias(name, decision.alias, number)
    client.set_tag(logged.run_id, "promotion", f"{decision.alias}: {decision.reason}"[:5000])
    return number


def champion(name: str) -> tuple[str, str] | None:
    """The champion's (version, model URI), or None where there is none."""
    client = connect()
    aliases = [model.aliases for model in client.search_registered_models(f"name = '{name}'")]
    if not aliases or CHAMPION not in aliases[0]:
        return None
    found = client.get_model_version_by_alias(name, CHAMPION)
    return str(found.version), found.tags.get("model_uri", "")


def saved_model(model_uri: str) -> Path:
    """The SavedModel inside a logged model, fetched where the server is elsewhere."""
    import mlflow

    connect()
    (found,) = Path(mlflow.artifacts.download_artifacts(model_uri)).glob("artifacts/*/saved_model.pb")
    return found.parent
