"""The `promote` stage: compare the candidate with the champion, register, serve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import LABEL, PATH, TEST
from headstart.pipeline import receipts
from headstart.pipeline.data import manifest
from headstart.pipeline.project import CANDIDATE, DATA, MANIFEST
from headstart.pipeline.promotion import decision
from headstart.pipeline.report.paths import PROMOTION, write_json
from headstart.pipeline.serving import models
from headstart.pipeline.tracking import client, registry

if TYPE_CHECKING:
    from headstart.pipeline.config.file import Config


def promote(config: Config, console: Console) -> decision.Decision:
    """Decide about the last study's candidate, and act on it.

    Raises:
        HeadstartError: there is no candidate, or the tracking server cannot be reached.
    """
    if not CANDIDATE.is_file():
        raise HeadstartError(f"{CANDIDATE} is not here: run `dvc repro -f study` to train a candidate.")
    candidate = json.loads(CANDIDATE.read_text(encoding="utf-8"))
    name = config.dataset
    client.reach(name)
    logged = client.Logged(candidate["run_id"], candidate["model_uri"])
    current = registry.champion(name)
    if current and current[1] == logged.model_uri:
        decided = decision.Decision(decision.CHAMPION, "it is the champion already")
    else:
        decided = decision.decide(
            candidate["accuracy"],
            candidate["failures"],
            _champion_accuracy(name, current),
            config.promotion.min_gain,
        )
    version = registry.register(name, logged, decided)
    if decided.promoted:
        place = models.put(Path(candidate["model"]), name, version)
        console.print(f"[green]champion[/]: version {version} is served from {place}")
    else:
        console.print(f"[yellow]challenger[/]: version {version}; {escape(decided.reason)}")
    write_json(PROMOTION, {"alias": decided.alias, "version": version, "reason": decided.reason})
    if not candidate["full"]:  # the full study is no DVC stage
        receipts.write("promote", {"study": candidate["receipt"], "min_gain": config.promotion.min_gain})
    return decided


def _champion_accuracy(name: str, current: tuple[str, str] | None) -> float | None:
    """The champion's accuracy on today's test split, or None where there is none to ask."""
    if current is None:
        return None
    model = models.champion(name) or registry.saved_model(current[1])
    test = [row for row in manifest.read(MANIFEST) if row["split"] == TEST]
    return models.accuracy(model, [DATA / row[PATH] for row in test], [row[LABEL] for row in test])
