"""The `promote` stage: compare the candidate with the champion, register, serve."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from components.errors import HeadstartError
from components.features import LABEL, PATH, TEST
from pipeline import manifest, promotion, receipts, reports, serving, tracking
from pipeline.config import Config
from pipeline.places import CANDIDATE, DATA, MANIFEST


def promote(config: Config, console: Console) -> promotion.Decision:
    """Decide about the last study's candidate, and act on it.

    Raises:
        HeadstartError: there is no candidate, or the tracking server cannot be reached.
    """
    if not CANDIDATE.is_file():
        raise HeadstartError(f"{CANDIDATE} is not here: run `dvc repro -f study` to train a candidate.")
    candidate = json.loads(CANDIDATE.read_text(encoding="utf-8"))
    name = config.dataset
    tracking.reach(name)
    logged = tracking.Logged(candidate["run_id"], candidate["model_uri"])
    current = tracking.champion(name)
    if current and current[1] == logged.model_uri:
        decision = promotion.Decision(promotion.CHAMPION, "it is the champion already")
    else:
        decision = promotion.decide(
            candidate["accuracy"],
            candidate["failures"],
            _champion_accuracy(name, current),
            config.promotion.min_gain,
        )
    version = tracking.register(name, logged, decision)
    if decision.promoted:
        place = serving.put(Path(candidate["model"]), name, version)
        console.print(f"[green]champion[/]: version {version} is served from {place}")
    else:
        console.print(f"[yellow]challenger[/]: version {version}; {escape(decision.reason)}")
    reports.write_promotion({"alias": decision.alias, "version": version, "reason": decision.reason})
    if not candidate["full"]:  # the full study is no DVC stage
        receipts.write("promote", {"study": candidate["receipt"], "min_gain": config.promotion.min_gain})
    return decision


def _champion_accuracy(name: str, current: tuple[str, str] | None) -> float | None:
    """The champion's accuracy on today's test split, or None where there is none to ask."""
    if current is None:
        return None
    model = serving.champion(name) or tracking.saved_model(current[1])
    test = [row for row in manifest.read(MANIFEST) if row["split"] == TEST]
    return serving.accuracy(model, [DATA / row[PATH] for row in test], [row[LABEL] for row in test])
