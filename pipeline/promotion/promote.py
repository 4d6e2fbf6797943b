"""The `promote` stage: compare the candidate with the champion, register, serve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import LABEL, PATH, TEST
from headstart.pipeline.data import manifest
from headstart.pipeline.project import DATA, DECISION, MANIFEST, STUDY, StudyFolders
from headstart.pipeline.promotion import decision
from headstart.pipeline.report.paths import write_json
from headstart.pipeline.results import candidate as candidates
from headstart.pipeline.serving import models
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.tracking import candidates as tracked
from headstart.pipeline.tracking import client, registry

if TYPE_CHECKING:
    from headstart.pipeline.config.file import Config

RECEIPT = Path("receipts/promote.json")  # the stage's output: what was decided about


def promote(config: Config, console: Console, folders: StudyFolders = STUDY) -> decision.Decision:
    """Decide about a study's candidate, and act on it.

    A candidate whose training is not in the tracking store, as in a clone that pulled it, is logged there.

    Args:
        config: all parameters.
        console: told what was decided.
        folders: of the study.

    Raises:
        HeadstartError: there is no candidate, or the tracking server cannot be reached.
    """
    candidate = candidates.read(folders.candidate)
    name = config.dataset
    experiment = client.reach(name)
    model = (
        _blessed(folders.pushed, candidate)
        if not candidate.failures
        else folders.candidate / candidates.MODEL
    )
    with client.responding():
        logged = tracked.find(experiment, candidate.model_digest) or tracked.log_alone(
            experiment, candidate, model
        )
        current = registry.champion(name)
    if current and current[1] == logged.model_uri:
        decided = decision.Decision(decision.CHAMPION, "it is the champion already")
    else:
        decided = decision.decide(
            candidate.accuracy,
            candidate.failures,
            _champion_accuracy(name, current),
            config.promotion.min_gain,
        )
    with client.responding():
        version = registry.register(name, logged, decided)
    if decided.promoted:
        place = models.put(model, name, version)
        console.print(f"[green]champion[/]: version {version} is served from {place}")
    else:
        console.print(f"[yellow]challenger[/]: version {version}; {escape(decided.reason)}")
    about = {"candidate": candidate.model_digest, "alias": decided.alias}
    DECISION.parent.mkdir(exist_ok=True)
    write_json(DECISION, {**about, "version": version, "reason": decided.reason})
    if folders is STUDY:  # the full study is no DVC stage
        RECEIPT.parent.mkdir(exist_ok=True)
        receipt = {"candidate": candidate.model_digest, "min_gain": config.promotion.min_gain}
        write_json(RECEIPT, receipt)
    return decided


def _blessed(pushed: Path, candidate: candidates.Candidate) -> Path:
    """The candidate's model, as Pusher pushed it.

    Raises:
        HeadstartError: it is not there.
    """
    places = [place for place in pushed.glob("*") if place.name.isdecimal()]
    found = [place for place in places if digest(place) == candidate.model_digest]
    if not found:
        raise HeadstartError(
            f"{pushed}/ does not hold the candidate's model ({candidate.cell}): restore it with "
            "`dvc checkout`, or make it again with `dvc repro -f study`."
        )
    return found[0]


def _champion_accuracy(name: str, current: tuple[str, str] | None) -> float | None:
    """The champion's accuracy on today's test split, or None where there is none to ask."""
    if current is None:
        return None
    model = models.champion(name) or registry.saved_model(current[1])
    test = [row for row in manifest.read(MANIFEST) if row["split"] == TEST]
    return models.accuracy(model, [DATA / row[PATH] for row in test], [row[LABEL] for row in test])
