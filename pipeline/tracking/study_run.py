"""A study as MLflow runs, written while it happens: a parent run, and a child run for each cell."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config.file import Config
from headstart.pipeline.data.subsets import Subset
from headstart.pipeline.project import MANIFEST, PARAMS, work_id
from headstart.pipeline.report import palette
from headstart.pipeline.results.cell import Cell
from headstart.pipeline.results.study import StudyResults
from headstart.pipeline.tracking import candidates, cell_runs, view
from headstart.pipeline.tracking.client import address, connect, first_line
from headstart.pipeline.tracking.description import markdown

_KEY, _WORK, _PARENT = "study_key", "work_folder", "mlflow.parentRunId"  # tags
_FLUSH_SECONDS = 2.0  # between two writes of epochs: a write takes about 10 ms


@dataclass(frozen=True)
class Described:
    """What a study's runs say of it, whatever it finds."""

    config: Config
    manifest: str  # digest of the manifest
    tags: dict[str, str]
    key: str  # of what goes into the study: an interrupted one with the same key is resumed

    def settings(self) -> dict[str, Any]:
        """All parameters."""
        return self.config.model_dump()


class StudyRun:
    """The runs of one study. A cell's name is unique among the children of the parent."""

    def __init__(self, experiment: str, described: Described, parent: str):
        """Go on with a parent run and the children that it has."""
        self.parent = parent
        self._experiment, self._described = experiment, described
        self._data = _dataset(described)
        self._children: dict[str, str] = {}  # run ids by cell
        self._ended: dict[str, float] = {}
        self._running: str | None = None  # the cell that trains
        self._epochs: list[dict[str, Any]] = []  # of that cell, logged
        self._waiting: list[dict[str, Any]] = []  # of that cell, not logged yet
        self._flushed = 0.0

    def describe(self) -> None:
        """Log what goes into the study with its parent."""
        client = connect()
        cell_runs.log_parameters(self.parent, self._described.settings())
        client.log_inputs(self.parent, [self._data])
        client.log_artifact(self.parent, str(PARAMS))

    def began(self, strategy: str, subset: Subset) -> None:
        """A cell starts to train."""
        self._epochs, self._waiting, self._flushed = [], [], 0.0
        self._running = _name(strategy, subset)
        with _server_answers():
            self._create(strategy, subset, time.time(), cached=False)

    def epoch(self, row: dict[str, Any]) -> None:
        """The cell that trains has ended an epoch; a server that does not answer is asked again later."""
        self._waiting.append(row)
        if self._running is None or time.monotonic() - self._flushed < _FLUSH_SECONDS:
            return
        try:
            cell_runs.log_epochs(self._children[self._running], self._waiting)
            self._epochs, self._waiting = self._epochs + self._waiting, []
        except Exception as error:  # the training is worth more than its live curve
            logging.getLogger(__name__).warning("epochs are not logged yet: %s", first_line(error))
        self._flushed = time.monotonic()

    def ended(self, cell: Cell, began: float, ended: float) -> None:
        """A cell has ended, or TFX's cache had it.

        Args:
            cell: with its figures and predictions.
            began: when its training began, seconds since 1970.
            ended: when it ended.
        """
        self._ended[cell.name] = ended
        if cell.cached and cell.name in self._children:
            return  # logged before the study was interrupted
        with _server_answers():
            run_id = self._of(cell, began)
            known = len(self._epochs) if cell.name == self._running else 0
            cell_runs.log_epochs(run_id, cell.history[known:])
            cell_runs.log_figures(run_id, cell)
            cell_runs.log_files(run_id, cell)
            self._terminate(run_id, "FINISHED", ended)
        self._running = None

    def failed(self, strategy: str, subset: Subset, reason: str) -> None:
        """A cell has failed."""
        with _server_answers():
            name = _name(strategy, subset)
            if name != self._running:
                self._create(strategy, subset, time.time(), cached=False)
            about = {"failure": reason[:5000], "mlflow.note.content": reason[:5000]}
            candidates.tag(self._children[name], about)
            self._terminate(self._children[name], "FAILED", time.time())
        self._running = None

    def conclude(self, results: StudyResults, reports: Path, files: list[str]) -> None:
        """Log the verdict, the candidate's model and the report.

        Args:
            results: of the study.
            reports: folder of the report.
            files: names of those files in it that belong with the study.
        """
        with _server_answers():
            self._log_candidate(results)
            client = connect()
            numbers = {**results.verdict.measures}
            numbers["test_accuracy"] = results.candidate.metrics["test_accuracy"]
            for key, value in numbers.items():
                if math.isfinite(value):
                    client.log_metric(self.parent, key, value)
            verdict = results.verdict
            about = {"verdict": verdict.rating, "saving": verdict.saving}
            candidates.tag(self.parent, {**about, "mlflow.note.content": markdown(results)})
            for name in files:
                client.log_artifact(self.parent, str(reports / name))

    def close(self, status: str) -> None:
        """End the parent, and what is still running below it."""
        for name, run_id in self._children.items():
            if name == self._running:
                self._terminate(run_id, status, time.time())
        self._terminate(self.parent, status, time.time())

    def adopt(self) -> None:
        """Take over the children that an interrupted study has finished; the others are deleted."""
        for child in _children(self._experiment, self.parent):
            if child.info.status == "FINISHED":
                self._children[child.info.run_name] = child.info.run_id
            else:
                _delete(child)

    def _of(self, cell: Cell, began: float) -> str:
        """The run of a cell that has ended."""
        told = [float(row["ended"]) for row in cell.history[: len(self._epochs)]]
        if cell.name == self._running and told == [float(row["ended"]) for row in self._epochs]:
            return self._children[cell.name]
        # Not seen while it trained; or its history was given up, and another one counts.
        self._epochs = []
        return self._create(cell.strategy, cell.subset, began, cell.cached)

    def _create(self, strategy: str, subset: Subset, began: float, cached: bool) -> str:
        client, name, described = connect(), _name(strategy, subset), self._described
        if earlier := self._children.get(name):
            _delete(client.get_run(earlier))
        base = described.config.base
        tags = {
            **described.tags,
            _PARENT: self.parent,
            "mlflow.runColor": palette.light(strategy),
            "strategy": strategy,
            "fraction": f"{subset.fraction:g}",
            "draw": str(subset.draw),
            "base": f"{base.architecture} ({base.weights})",
            "subset": str(subset.file),
            "subset_digest": subset.choice()["digest"],
            "cached": str(cached).lower(),
        }
        own = {"strategy": strategy, "subset": subset.name, "fraction": subset.fraction, "draw": subset.draw}
        run_id = str(client.create_run(self._experiment, int(1000 * began), tags, name).info.run_id)
        self._children[name] = run_id
        cell_runs.log_parameters(run_id, {**own, **described.settings()})
        client.log_inputs(run_id, [self._data])
        return run_id

    def _log_candidate(self, results: StudyResults) -> None:
        cell, digest = results.candidate, results.candidate.model_digest
        run_id = self._children[cell.name]
        connect().log_dict(run_id, [one.__dict__ for one in results.evaluation.slices], "slices.json")
        blessed = str(not results.evaluation.failures).lower()
        candidates.tag(run_id, {"candidate": "true", "blessed": blessed})
        assert cell.model is not None
        if found := candidates.find(self._experiment, digest):
            about = {"model_uri": found.model_uri, "model_digest": digest, "produced_by": found.run_id}
            candidates.tag(run_id, about)
        else:
            candidates.log(run_id, cell.model, digest, self._ended[cell.name])

    def _terminate(self, run_id: str, status: str, ended: float) -> None:
        connect().set_terminated(run_id, status, int(1000 * ended))


@contextmanager
def tracked(experiment: str, described: Described) -> Iterator[StudyRun]:
    """The runs of a study, for as long as it runs.

    An interrupted study of this work folder is resumed where the same goes into it, else closed as KILLED.
    At the end the parent is FINISHED; where the block fails it is FAILED, or KILLED after Ctrl-C.
    """
    with _server_answers():
        run = _open(experiment, described)
    try:
        yield run
    except BaseException as error:
        with suppress(HeadstartError), _server_answers():  # the error that ended the study is the one to tell
            run.close("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    with _server_answers():
        run.close("FINISHED")


def _open(experiment: str, described: Described) -> StudyRun:
    client = connect()
    mine = client.search_runs(
        [experiment], f"tags.{_WORK} = '{work_id()}'", order_by=["start_time DESC"], max_results=100
    )
    latest = mine[0] if mine else None
    resumed = None
    if latest and latest.info.status in ("RUNNING", "KILLED") and latest.data.tags[_KEY] == described.key:
        resumed = latest
    for run in mine:
        if run.info.status == "RUNNING" and run is not resumed:
            for child in _children(experiment, run.info.run_id):
                if child.info.status == "RUNNING":
                    client.set_terminated(child.info.run_id, "KILLED")
            client.set_terminated(run.info.run_id, "KILLED")
    if resumed:
        client.update_run(resumed.info.run_id, "RUNNING")
        study = StudyRun(experiment, described, resumed.info.run_id)
        study.adopt()
        view.save(client, experiment, study.parent)
        return study
    tags = {**described.tags, _WORK: work_id(), _KEY: described.key}
    name = time.strftime("study %Y-%m-%d %H:%M")
    made = client.create_run(experiment, tags=tags, run_name=name)
    study = StudyRun(experiment, described, made.info.run_id)
    study.describe()
    view.save(client, experiment, study.parent)
    return study


@contextmanager
def _server_answers() -> Iterator[None]:
    """A server that stops answering ends the study with a sentence; what was trained is kept."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        raise HeadstartError(
            f"The MLflow tracking server at {address()} no longer answers, or refuses ({first_line(error)}). "
            "What was trained is kept: start it again, then `dvc repro` resumes."
        ) from error


def _children(experiment: str, parent: str) -> list[Any]:
    return list(connect().search_runs([experiment], f"tags.`{_PARENT}` = '{parent}'", max_results=10_000))


def _delete(run: Any) -> None:
    client = connect()
    if run.info.status == "RUNNING":
        client.set_terminated(run.info.run_id, "KILLED")
    client.delete_run(run.info.run_id)


def _name(strategy: str, subset: Subset) -> str:
    return f"{strategy}-{subset.name}"


def _dataset(described: Described) -> Any:
    """The manifest as MLflow describes data sets."""
    import pandas as pd
    from mlflow.data.pandas_dataset import from_pandas
    from mlflow.entities import Dataset, DatasetInput, InputTag

    frame = pd.read_csv(MANIFEST, dtype=str, keep_default_na=False)
    name = described.config.dataset
    made = from_pandas(frame, source=str(MANIFEST), name=name, digest=described.manifest[:12])
    return DatasetInput(Dataset(**made.to_dict()), [InputTag("mlflow.data.context", "study")])
