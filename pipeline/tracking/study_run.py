"""A study as MLflow runs, written while it happens: a parent run, and a child run for each cell."""

from __future__ import annotations

import io
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
from headstart.pipeline.tracking.client import address, connect, first_line, impatient, responding
from headstart.pipeline.tracking.description import markdown

_KEY, _WORK, _PARENT = "study_key", "work_folder", "mlflow.parentRunId"  # tags
_SCHEDULE = "schedule"  # a section that changes no result; its hooks may have secret addresses
_FLUSH_SECONDS = 2.0  # between two writes of epochs: a write takes about 10 ms


@dataclass(frozen=True)
class Described:
    """What a study's runs say of it, whatever it finds."""

    config: Config
    tags: dict[str, str]  # of every run; `manifest` is the manifest's digest
    key: str  # of what goes into the study: an interrupted one with the same key is resumed
    cells: frozenset[str]  # names of all cells, references included, as `cell_id` gives them


def cell_id(strategy: str, subset: Subset) -> str:
    """The name of a cell in a study; what people see may be the same for two subsets of nearly one size."""
    return f"{strategy}.{subset.key}"


class StudyRun:
    """The runs of one study."""

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
        self._silent = False  # whether the tracking store has failed while that cell trained

    def describe(self) -> None:
        """Log what goes into the study with its parent."""
        client = connect()
        cell_runs.log_parameters(self.parent, self._described.config.model_dump(exclude={_SCHEDULE}))
        client.log_inputs(self.parent, [self._data])
        client.log_text(self.parent, _params(), PARAMS.name)
        client.set_tag(self.parent, _KEY, self._described.key)  # last: a parent without it is not resumed

    def began(self, strategy: str, subset: Subset) -> None:
        """A cell starts to train."""
        self._epochs, self._waiting, self._flushed, self._silent = [], [], 0.0, False
        self._running = cell_id(strategy, subset)
        with responding():
            self._create(strategy, subset, time.time(), cached=False)

    def epoch(self, row: dict[str, Any]) -> None:
        """The cell that trains has ended an epoch. What cannot be logged now is logged when the cell ends."""
        self._waiting.append(row)
        if self._running is None or self._silent or time.monotonic() - self._flushed < _FLUSH_SECONDS:
            return
        try:
            with impatient():
                cell_runs.log_epochs(self._children[self._running], self._waiting)
            self._epochs, self._waiting = self._epochs + self._waiting, []
        except Exception as error:  # the training is worth more than its live curve
            self._silent = True
            logging.getLogger(__name__).warning("epochs are logged at the cell's end: %s", first_line(error))
        self._flushed = time.monotonic()

    def ended(self, cell: Cell, began: float, ended: float) -> None:
        """A cell has ended, or TFX's cache had it.

        Args:
            cell: with its figures and predictions.
            began: when its training began, seconds since 1970.
            ended: when it ended.
        """
        name = cell_id(cell.strategy, cell.subset)
        self._ended[name] = ended
        if cell.cached and name in self._children:
            return  # logged before the study was interrupted
        with responding():
            run_id = self._of(cell, began)
            known = len(self._epochs) if name == self._running else 0
            cell_runs.log_epochs(run_id, cell.history[known:])
            cell_runs.log_figures(run_id, cell)
            cell_runs.log_files(run_id, cell)
            connect().set_terminated(run_id, "FINISHED", int(1000 * ended))
        self._running = None

    def failed(self, strategy: str, subset: Subset, reason: str) -> None:
        """A cell has failed."""
        with responding():
            name = cell_id(strategy, subset)
            if name != self._running:
                self._create(strategy, subset, time.time(), cached=False)
            about = {"failure": reason[:5000], "mlflow.note.content": reason[:5000]}
            candidates.tag(self._children[name], about)
            connect().set_terminated(self._children[name], "FAILED")
        self._running = None

    def conclude(self, results: StudyResults, reports: Path, files: list[str]) -> None:
        """Log the verdict, the candidate's model and the report.

        Args:
            results: of the study.
            reports: folder of the report.
            files: names of those files in it that belong with the study.
        """
        with responding():
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
        _close(self._experiment, self.parent, status)

    def adopt(self) -> None:
        """Take over the cells that an interrupted study has finished; its other runs are deleted."""
        for child in _children(self._experiment, self.parent):
            name = child.data.tags.get("cell")
            if child.info.status == "FINISHED" and name in self._described.cells:
                self._children[name] = child.info.run_id
            else:
                _delete(child)

    def _of(self, cell: Cell, began: float) -> str:
        """The run of a cell that has ended."""
        told = [float(row["ended"]) for row in cell.history[: len(self._epochs)]]
        name = cell_id(cell.strategy, cell.subset)
        if name == self._running and told == [float(row["ended"]) for row in self._epochs]:
            return self._children[name]
        # Not seen while it trained; or its history was given up, and another one counts.
        self._epochs = []
        return self._create(cell.strategy, cell.subset, began, cell.cached)

    def _create(self, strategy: str, subset: Subset, began: float, cached: bool) -> str:
        client, name, described = connect(), cell_id(strategy, subset), self._described
        if earlier := self._children.get(name):
            _delete(client.get_run(earlier))
        base = described.config.base
        tags = {
            **described.tags,
            _PARENT: self.parent,
            "cell": name,
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
        run_id = str(
            client.create_run(
                self._experiment, int(1000 * began), tags, f"{strategy}-{subset.name}"
            ).info.run_id
        )
        self._children[name] = run_id
        cell_runs.log_parameters(run_id, {**own, **described.config.model_dump(exclude={_SCHEDULE})})
        client.log_inputs(run_id, [self._data])
        return run_id

    def _log_candidate(self, results: StudyResults) -> None:
        cell, digest = results.candidate, results.candidate.model_digest
        name = cell_id(cell.strategy, cell.subset)
        run_id = self._children[name]
        connect().log_dict(run_id, [one.__dict__ for one in results.evaluation.slices], "slices.json")
        blessed = str(not results.evaluation.failures).lower()
        candidates.tag(run_id, {"candidate": "true", "blessed": blessed})
        assert cell.model is not None
        if found := candidates.find(self._experiment, digest):
            about = {"model_uri": found.model_uri, "model_digest": digest, "produced_by": found.run_id}
            candidates.tag(run_id, about)
        else:
            candidates.log(run_id, cell.model, digest, self._ended[name])


@contextmanager
def tracked(experiment: str, described: Described) -> Iterator[StudyRun]:
    """The runs of a study, for as long as it runs.

    An interrupted study of this work folder is resumed where the same goes into it, else closed as KILLED.
    At the end the parent is FINISHED; where the block fails it is FAILED, or KILLED after Ctrl-C.
    """
    with responding():
        run = _open(experiment, described)
    try:
        yield run
    except BaseException as error:
        with suppress(HeadstartError), responding():  # the error that ended the study is the one to tell
            run.close("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    with responding():
        run.close("FINISHED")


def _open(experiment: str, described: Described) -> StudyRun:
    client = connect()
    # A SQLite file has the runs of this project alone, whose `.headstart` may have been deleted.
    whose = "LIKE '%'" if address().startswith("sqlite") else f"= '{work_id()}'"
    mine = client.search_runs(
        [experiment], f"tags.{_WORK} {whose}", order_by=["start_time DESC"], max_results=100
    )
    latest = mine[0] if mine else None
    resumed = None
    if latest and latest.info.status in ("RUNNING", "KILLED") and latest.data.tags.get(_KEY) == described.key:
        resumed = latest
    for run in mine:
        if run.info.status == "RUNNING" and run is not resumed:
            _close(experiment, run.info.run_id, "KILLED")
    if resumed:
        client.update_run(resumed.info.run_id, "RUNNING")
        study = StudyRun(experiment, described, resumed.info.run_id)
        study.adopt()
        view.save(client, experiment, study.parent)
        return study
    tags = {**described.tags, _WORK: work_id()}
    name = time.strftime("study %Y-%m-%d %H:%M")
    made = client.create_run(experiment, tags=tags, run_name=name)
    study = StudyRun(experiment, described, made.info.run_id)
    study.describe()
    view.save(client, experiment, study.parent)
    return study


def _params() -> str:
    """`params.yaml` with its comments, without the schedule."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 4096
    yaml.preserve_quotes = True
    document = yaml.load(PARAMS.read_text(encoding="utf-8"))
    document.pop(_SCHEDULE, None)
    text = io.StringIO()
    yaml.dump(document, text)
    return text.getvalue()


def _children(experiment: str, parent: str) -> list[Any]:
    return list(connect().search_runs([experiment], f"tags.`{_PARENT}` = '{parent}'", max_results=10_000))


def _close(experiment: str, parent: str, status: str) -> None:
    """End a parent, after every run below it that is still running."""
    client = connect()
    for child in _children(experiment, parent):
        if child.info.status == "RUNNING":
            client.set_terminated(child.info.run_id, status)
    client.set_terminated(parent, status)


def _delete(run: Any) -> None:
    client = connect()
    if run.info.status == "RUNNING":
        client.set_terminated(run.info.run_id, "KILLED")
    client.delete_run(run.info.run_id)


def _dataset(described: Described) -> Any:
    """The manifest as MLflow describes data sets."""
    import pandas as pd
    from mlflow.data.pandas_dataset import from_pandas
    from mlflow.entities import Dataset, DatasetInput, InputTag

    frame = pd.read_csv(MANIFEST, dtype=str, keep_default_na=False)
    name = described.config.dataset
    made = from_pandas(frame, source=str(MANIFEST), name=name, digest=described.tags["manifest"][:12])
    return DatasetInput(Dataset(**made.to_dict()), [InputTag("mlflow.data.context", "study")])
