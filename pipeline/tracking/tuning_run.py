"""A search as an MLflow run of its own, with a child run for every candidate."""

from __future__ import annotations

import time
from pathlib import Path

from mlflow.entities import Metric, Param, RunTag

from headstart.components.tuner.results import Candidate
from headstart.pipeline.results.tuning import Search
from headstart.pipeline.tracking.client import connect, reach, responding


def log(search: Search, tags: dict[str, str], files: list[Path]) -> str:
    """Log a search.

    Args:
        search: the search.
        tags: of the run: versions of data and code, the command.
        files: the page, the charts and the figures.

    Returns:
        The id of the parent run.

    Raises:
        HeadstartError: the tracking server cannot be reached.
    """
    experiment = reach(search.dataset)
    found = search.results
    with responding():
        client = connect()
        note = f"{search.sentence} {search.worth}"
        about = {**tags, "tune": found.objective, "mlflow.note.content": note}
        run_id = str(client.create_run(experiment, tags=about, run_name="tune").info.run_id)
        client.log_param(run_id, "chosen", search.named(search.chosen)[:500])
        numbers = {f"nested_{name}": value for name, value in found.nested.items()}
        numbers |= {f"search_seconds_{name}": value for name, value in found.seconds.items()}
        client.log_batch(run_id, metrics=_metrics(numbers))
        for number, candidate in enumerate(found.candidates):
            chosen = number == found.chosen
            child = client.create_run(
                experiment,
                tags={"mlflow.parentRunId": run_id, "tune": "candidate", "chosen": str(chosen).lower()},
                run_name=f"{candidate.strategy} {number + 1}",
            )
            _log(client, str(child.info.run_id), candidate)
            client.set_terminated(child.info.run_id)
        for file in files:
            client.log_artifact(run_id, str(file))
        client.set_terminated(run_id)
    return run_id


def _log(client: object, run_id: str, one: Candidate) -> None:
    values = {"strategy": one.strategy, "base": one.base, **one.settings}
    numbers = {
        "cv_score": one.score,
        "cv_train_accuracy": one.train_accuracy,
        "cv_accuracy": one.held_out_accuracy,
        "overfit_gap": one.train_accuracy - one.held_out_accuracy,
        "steps_share": one.share,
        "train_seconds": one.train_seconds,
        "search_seconds": one.search_seconds,
        **({} if one.error is None else {"cv_error": one.error}),
        **{f"fold_{n}": score for n, score in enumerate(one.scores, 1) if score is not None},
    }
    client.log_batch(  # type: ignore[attr-defined]
        run_id,
        metrics=_metrics(numbers),
        params=[Param(name, str(value)) for name, value in values.items()],
        tags=[RunTag("strategy", one.strategy)],
    )


def _metrics(numbers: dict[str, float]) -> list[Metric]:
    now = int(1000 * time.time())
    return [Metric(name, float(value), now, 0) for name, value in numbers.items()]
