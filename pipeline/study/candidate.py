"""Hands the best model of a study over: fills the folders that the stage `promote` reads."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.components.shared.features import TEST
from headstart.components.shared.files import remove, replacing
from headstart.pipeline.data import seen
from headstart.pipeline.data.split import groups_of
from headstart.pipeline.project import StudyFolders
from headstart.pipeline.results.candidate import MODEL, Candidate, write_test
from headstart.pipeline.results.study import StudyResults
from headstart.pipeline.serving.saved_model import digest as digest_of

if TYPE_CHECKING:
    from headstart.pipeline.study.lineage import Node


def hand_over(
    results: StudyResults,
    pusher: Node,
    folders: StudyFolders,
    rows: list[dict[str, str]],
    inherited: seen.Seen,
    origin: dict[str, str],
) -> None:
    """Fill the folders `candidate` and `pushed`.

    Args:
        results: of the study.
        pusher: the node Pusher; where TFX's cache answered, it pushed in an earlier run.
        folders: of the study.
        rows: of the manifest.
        inherited: the images that the base has seen, where the base is a champion.
        origin: versions of what the study was made from, by name.
    """
    cell = results.candidate
    assert cell.model is not None
    accuracy, failures = cell.metrics["test_accuracy"], results.evaluation.failures
    test = sorted((row for row in rows if row["split"] == TEST), key=lambda row: row["path"])
    with replacing(folders.candidate) as folder:
        shutil.copytree(cell.model, folder / MODEL)
        Candidate(cell.name, accuracy, failures, cell.model_digest, origin).write(folder)
        write_test(folder, test, groups_of(test), cell.predictions)
        (seen.of_study(rows) | inherited).write(folder / seen.FILE)
    _keep_pushed(pusher, folders.pushed, cell.model_digest)


def withhold(folders: StudyFolders) -> None:
    """Remove the candidate of an earlier study. DVC's cache still has it."""
    remove(folders.candidate)
    remove(folders.pushed)


def _keep_pushed(pusher: Node, folder: Path, digest: str) -> None:
    """Leave in Pusher's destination the version that it pushed, and no other; none that is not blessed.

    DVC removes the folder before a run, and may have put another version there; a Pusher that TFX's cache
    answers for pushes nothing.
    """
    told = pusher.properties["pushed_model"]
    version = told["pushed_version"] if told["pushed"] else None
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.iterdir():
        if other.name != version:
            remove(other)
    if version is None:
        return
    place = folder / version
    if not (place / "saved_model.pb").is_file() or digest_of(place) != digest:
        with replacing(place) as fresh:
            shutil.copytree(pusher.outputs["pushed_model"], fresh)
