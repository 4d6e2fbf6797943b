"""A project without DVC's own commands, and small photos."""

import os
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import swapping

PARAMS = Path(__file__).parents[3] / "params.yaml"
DEMO_NAME = "digits-in-the-wild"


def photo(path, seed=0, size=(6, 5), fmt="PNG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng([seed, *map(ord, path.name)]).integers(0, 255, (*size, 3))
    Image.fromarray(pixels.astype(np.uint8)).save(path, fmt)
    return path


def contents(folder):
    """Of every file but a lock, by its path."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@contextmanager
def failing_writes(monkeypatch, name, number):
    """Let a new file of this name end in an error of the disk."""
    open_ = Path.open

    def full(path, mode="r", *arguments, **more):
        if path.name == name and mode == "xb":
            raise OSError(number, os.strerror(number))
        return open_(path, mode, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", full)
        yield


@pytest.fixture
def dvc(monkeypatch):
    """In DVC's place: notes its calls and writes data.dvc from the names in data/."""
    calls = []

    def run(project, *arguments):
        calls.append(arguments)
        names = sorted(str(p.relative_to(project)) for p in (project / "data").rglob("*") if p.is_file())
        (project / "data.dvc").write_text("\n".join(names))

    monkeypatch.setattr(swapping, "run_dvc", run)
    return calls


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    (folder / ".dvc").mkdir(parents=True)
    text = re.sub(r"\bweights: \S+", "weights: letters", PARAMS.read_text(), count=1)
    (folder / "params.yaml").write_text(re.sub(r"^dataset: \S+", f"dataset: {DEMO_NAME}", text, flags=re.M))
    return folder


def cats_and_dogs(folder):
    """Five images of each."""
    for label, seed in (("cat", 1), ("dog", 2)):
        for number in range(5):
            photo(folder / label / f"{number}.png", seed)
    return folder


def refused_with(call, project, *words):
    """The one-line error of a call that leaves the project as it was; the error has the words."""
    before = contents(project)
    with pytest.raises(HeadstartError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(project) == before and not list(project.glob("data.*-*"))
    return str(caught.value)


@pytest.fixture
def second_call_fails(dvc, monkeypatch):
    """Lets DVC's second call raise an error."""
    run = swapping.run_dvc

    def make(error):
        def second_fails(folder, *arguments):
            run(folder, *arguments)
            if len(dvc) == 2:
                raise error

        monkeypatch.setattr(swapping, "run_dvc", second_fails)

    return make


@pytest.fixture
def data(project):
    """data/ with five cats and five dogs."""
    return cats_and_dogs(project / "data")


@pytest.fixture
def more(tmp_path):
    return tmp_path / "more"
