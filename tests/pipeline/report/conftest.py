"""The sample study of `sample.py`, and its reports, as fixtures."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from headstart.pipeline.config import file as config
from headstart.pipeline.report import files
from headstart.pipeline.report.page import Study
from headstart.pipeline.results.study import StudyResults
from tests.pipeline.report import sample

TEMPLATE = Path(__file__).parents[3] / "pipeline/cli/template/params.yaml"


class Written(NamedTuple):
    """The reports of a study: their folder, what they are of, the names that go to MLflow."""

    folder: Path
    results: StudyResults
    names: list[str]


@pytest.fixture(scope="module")
def study_in() -> Callable[..., Study]:
    """Build a study whose data lie in a folder; fields of it, and of its verdict, can be given."""
    return sample.make


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Study]:
    """The same, in a folder of the test's own."""
    return partial(sample.make, tmp_path)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The reports of a whole study, whose candidate misses a threshold; write into a copy of them."""
    return _written(tmp_path_factory.mktemp("project"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Written]:
    """Write the reports of a study into a folder of the test's own; its fields can be given."""
    return partial(_written, tmp_path)


def _written(folder: Path, **fields: Any) -> Written:
    study = sample.make(folder)
    results = replace(sample.results_of(study, folder), **fields)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        base = config.load(TEMPLATE).base
        rows = sample.manifest_of(study)
        names = files.write(results, "my-images", base, rows, "headstart study", Path("reports"))
    return Written(folder / "reports", results, names)
