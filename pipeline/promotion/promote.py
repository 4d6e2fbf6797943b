"""The `promote` stage: judge the candidate against the champion, register it, serve it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline import project
from headstart.pipeline.data import seen
from headstart.pipeline.project import DATA, DECISION, STUDY, StudyFolders
from headstart.pipeline.promotion import comparison, decision, publish
from headstart.pipeline.promotion.decision import CHALLENGER, CHAMPION, Decision
from headstart.pipeline.report.paths import write_json
from headstart.pipeline.results import candidate as candidates
from headstart.pipeline.results.candidate import Candidate
from headstart.pipeline.serving import models, proof
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.tracking import candidates as tracked
from headstart.pipeline.tracking import client, registry
from headstart.pipeline.tracking.description import of_version

if TYPE_CHECKING:
    from headstart.pipeline.config.file import Config

RECEIPT = Path("receipts/promote.json")  # the stage's output: what was decided about
PROVED = 500  # test images that the server is asked about, at most


def promote(config: Config, console: Console, folders: StudyFolders = STUDY, by: str = "") -> Decision:
    """Decide about a study's candidate, and act on it.

    A candidate whose training is not in the tracking store, as in a clone that pulled it, is logged there.

    Args:
        config: all parameters.
        console: told what was decided.
        folders: of the study.
        by: who asks, for the record.

    Raises:
        HeadstartError: there is no candidate, the tracking server cannot be reached, or the champion was
            replaced in the meantime.
    """
    candidate, name = candidates.read(folders.candidate), config.dataset
    unfit = bool(candidate.failures)
    model = folders.candidate / candidates.MODEL if unfit else _blessed(folders.pushed, candidate)
    with project.lock(project.PROMOTION):
        experiment = client.reach(name)
        with client.responding():
            for told in publish.follow(name):
                console.print(f"[yellow]{escape(told)}[/]", soft_wrap=True)
            logged = tracked.find(experiment, candidate.model_digest) or tracked.log_alone(
                experiment, candidate, model
            )
            current = registry.champion(name)
        if current and current.model_uri == logged.model_uri:
            decided, version = Decision(CHAMPION, "it is the champion already"), current
        else:
            decided, compared = _judge(config, candidate, folders, model, logged, current)
            with client.responding():
                if _number(current) != _number(registry.champion(name)):
                    raise HeadstartError(
                        f"The champion of {name} was replaced while the candidate was compared with version "
                        f"{_number(current)}. Nothing was promoted: run `dvc repro` again."
                    )
                version = _register(config, candidate, folders, logged, decided, compared)
                if decided.promoted:
                    publish.publish(name, version, decided.reason, by or "headstart promote", model)
                else:
                    registry.make_challenger(name, version.number)
        colour = "green" if decided.promoted else "yellow"
        console.print(
            f"[{colour}]{decided.alias}[/]: version {version.number}; {escape(decided.reason)}",
            soft_wrap=True,
        )
        if decided.promoted:
            console.print(f"It is served from {models.champion(name)}.")
        _write(config, candidate, decided, version.number, folders)
    return decided


def _register(
    config: Config,
    candidate: Candidate,
    folders: StudyFolders,
    logged: tracked.Logged,
    decided: Decision,
    compared: decision.Comparison | None,
) -> registry.Version:
    """Register the candidate, with what it was made from and why it was decided so."""
    tags = {
        **candidate.origin,
        **{f"promotion.{key}": str(value) for key, value in config.promotion.model_dump().items()},
        "cell": candidate.cell,
        "decision": decided.reason,
        "test_accuracy": f"{candidate.accuracy:.4f}",
        "blessed": str(not candidate.failures).lower(),
    }
    text = of_version(candidate, decided, compared)
    tracked.tag(logged.run_id, {"promotion": f"{decided.alias}: {decided.reason}"[:5000]})
    images = folders.candidate / seen.FILE
    return registry.register(config.dataset, logged, candidate.model_digest, tags, text, images)


def _number(version: registry.Version | None) -> str:
    return version.number if version else "none"


def _judge(
    config: Config,
    candidate: Candidate,
    folders: StudyFolders,
    model: Path,
    logged: tracked.Logged,
    current: registry.Version | None,
) -> tuple[Decision, decision.Comparison | None]:
    """Compare with the champion; what would be promoted has to prove itself in the server first."""
    rules = decision.Rules(
        config.promotion.min_images,
        config.promotion.min_gain,
        config.promotion.confidence,
        config.promotion.max_slice_drop,
        config.gate.min_slice_images,
    )
    rows, compared = candidates.read_test(folders.candidate), None
    with client.responding():
        known = [one for one in registry.versions(config.dataset) if one.model_uri == logged.model_uri]
        if known and (why := known[0].tags.get(registry.WITHDRAWN)):
            return Decision(CHALLENGER, f"{why}; `headstart rollback {known[0].number}` brings it back"), None
        if current and not candidate.failures:
            champion = publish.model_of(config.dataset, current)
            images = seen.read(folders.candidate / seen.FILE) or seen.NOTHING
            compared = comparison.compare(rows, DATA, champion, current, images, rules.confidence)
    decided = decision.decide(candidate.failures, compared, rules)
    if not decided.promoted:
        return decided, compared
    some = rows[:: max(1, -(-len(rows) // PROVED))]
    expected = [
        proof.Expected(
            comparison.file_of(row, DATA), row[candidates.PREDICTED], float(row[candidates.CONFIDENCE])
        )
        for row in some
    ]
    shown = proof.prove(model, expected, config.promotion.max_latency_ms)
    if shown.failures:
        why = " ".join(shown.failures[:3]).rstrip(".")
        again = "`dvc repro -f promote` tries again"
        return Decision(CHALLENGER, f"refused by the server: {why}; {again}"), compared
    return decided, compared


def _confidence(row: dict[str, str]) -> float:
    return float(row[candidates.CONFIDENCE])


def _write(
    config: Config, candidate: Candidate, decided: Decision, version: str, folders: StudyFolders
) -> None:
    about = {"candidate": candidate.model_digest, "alias": decided.alias}
    DECISION.parent.mkdir(exist_ok=True)
    write_json(DECISION, {**about, "version": version, "reason": decided.reason})
    if folders is STUDY:  # the full study is no DVC stage
        RECEIPT.parent.mkdir(exist_ok=True)
        receipt = {"candidate": candidate.model_digest, **config.promotion.model_dump()}
        write_json(RECEIPT, receipt)


def _blessed(pushed: Path, candidate: Candidate) -> Path:
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
