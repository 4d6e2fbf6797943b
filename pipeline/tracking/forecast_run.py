"""A forecast as an MLflow run of its own, beside the studies of the data set."""

from __future__ import annotations

import math
from pathlib import Path

from headstart.pipeline.results.forecast import Forecast
from headstart.pipeline.tracking.client import connect, reach, responding


def log(found: Forecast, tags: dict[str, str], files: list[Path]) -> str:
    """Log a forecast.

    Args:
        found: the forecast.
        tags: of the run: versions of data and code, the command.
        files: the page and the figures.

    Returns:
        The run's id.

    Raises:
        HeadstartError: the tracking server cannot be reached.
    """
    experiment = reach(found.dataset)
    with responding():
        client = connect()
        about = {"plan": found.outcome, "base": found.base, "mlflow.note.content": found.sentence}
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
        for file in files:
            client.log_artifact(run_id, str(file))
        client.set_terminated(run_id)
    return run_id
