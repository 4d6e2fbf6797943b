"""A plan as MLflow runs of their own, beside the studies of the data set: one a target, one for photos."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from headstart.pipeline.results.forecast import Forecast, PhotoAdvice, Plan
from headstart.pipeline.tracking.client import connect, reach, responding


def log(found: Plan, tags: dict[str, str], files: list[Path]) -> list[str]:
    """Log a plan.

    Args:
        found: the plan.
        tags: of the runs: versions of data and code, the command.
        files: the page and the figures.

    Returns:
        The runs' ids: of the targets in their order, then of the photos. A plan with neither has none.

    Raises:
        HeadstartError: the tracking server cannot be reached.
    """
    experiment = reach(found.dataset)
    tags = {**tags, "base": found.base}
    with responding():
        client = connect()
        runs = [_target(client, experiment, one, tags) for one in found.forecasts]
        if found.photos:
            runs.append(_photos(client, experiment, found.photos, tags))
        for run_id in runs:
            for file in files:
                client.log_artifact(run_id, str(file))
            client.set_terminated(run_id)
    return runs


def _target(client: Any, experiment: str, found: Forecast, tags: dict[str, str]) -> str:
    about = {"plan": found.outcome, "mlflow.note.content": found.sentence}
    name = f"plan: {found.metric} {found.target:g}"
    run_id = str(client.create_run(experiment, tags={**tags, **about}, run_name=name).info.run_id)
    for key, value in (("metric", found.metric), ("target", found.target), ("head", found.head)):
        client.log_param(run_id, key, value)
    numbers = {
        "labelled_images": found.images,
        "score_now": found.now.value,
        "images_needed": found.needed.value,
        "images_needed_low": found.needed.low,
        "images_needed_high": found.needed.high,
        "chance_of_target": found.chance,
    }
    for key, number in numbers.items():
        if math.isfinite(number):
            client.log_metric(run_id, key, float(number))
    for images, score in found.measured:
        client.log_metric(run_id, "measured_score", score, step=images)
    return run_id


def _photos(client: Any, experiment: str, found: PhotoAdvice, tags: dict[str, str]) -> str:
    about = {"plan": "photos", "mlflow.note.content": found.sentence}
    name = f"plan: {len(found.photos)} photos to label"
    run_id = str(client.create_run(experiment, tags={**tags, **about}, run_name=name).info.run_id)
    client.log_param(run_id, "folder", found.folder)
    client.log_param(run_id, "reason", found.reason)
    client.log_metric(run_id, "photos", found.found)
    client.log_metric(run_id, "near_copies", found.near_copies)
    client.log_metric(run_id, "skipped_files", sum(found.skipped.values()))
    return run_id
