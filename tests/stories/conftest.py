"""One project that every story shares: made with an installed wheel, imported into, and run once."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import mlflow
import numpy as np
import psutil
import pytest
import yaml
from PIL import Image, ImageDraw

ROOT = Path(__file__).parents[2]
SMALL = {
    "dataset": "shapes",
    "prepare": {"validation": 0.25, "test": 0.25},
    "base": {"weights": "random", "image_size": 16},
    "frozen": {"epochs": 10, "patience": 10},
    "fine_tune": {"steps": 40, "learning_rates": [0.05]},
    "textbook": {"epochs": 4, "patience": 4, "learning_rate": 0.003},
    "scratch": {"epochs": 20, "steps": 200, "search_steps": 20, "learning_rates": [0.02, 0.05]},
    "study": {
        "strategies": ["frozen", "fine_tune", "textbook", "random_blocks", "scratch"],
        "fractions": [0.5, 1.0],
        "draws": 2,
        "frozen_draws": 3,
        "full": {
            "strategies": ["frozen"],
            "fractions": [1.0],
            "images_per_class": [],
            "draws": 1,
            "frozen_draws": 1,
            "references": False,
        },
    },
    "augment": {"views": 2},
    "promotion": {"min_images": 10},
    "gate": {"min_accuracy": 0.5, "min_class_recall": 0.0, "min_slice_accuracy": 0.0},
}


def _group(number: int) -> Iterator[psutil.Process]:
    """The processes of a process group."""
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == number:
                yield process
        except ProcessLookupError:
            continue


class Project:
    """A user's project, and the environment that headstart is installed in."""

    def __init__(self, folder: Path, python: Path):
        self.folder = folder
        self.python = python

    @property
    def params(self) -> dict:
        return yaml.safe_load((self.folder / "params.yaml").read_text(encoding="utf-8"))

    def write(self, params: dict) -> None:
        (self.folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")

    def call(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the project, with the wheel's scripts before those of this environment."""
        settings = self._environment(**environment)
        found = shutil.which(command[0], path=settings["PATH"])
        return subprocess.run(
            [found, *command[1:]], cwd=self.folder, env=settings, capture_output=True, text=True, check=False
        )

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the project, in a process group of its own; `started` has what it prints."""
        settings = self._environment()
        found = shutil.which(command[0], path=settings["PATH"])
        with self.started.open("w", encoding="utf-8") as log:
            return subprocess.Popen(
                [found, *command[1:]],
                cwd=self.folder,
                env=settings,
                text=True,
                start_new_session=True,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def started(self) -> Path:
        """What the last command that was started has printed."""
        return self.folder.parent / "started.log"

    @staticmethod
    def kill(running: subprocess.Popen[str]) -> None:
        """Kill what `start` has started, and wait until the last of its processes is gone.

        DVC takes a dead process that nobody has reaped yet for one that holds its lock.
        """
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        until = time.monotonic() + 60
        while any(_group(running.pid)) and time.monotonic() < until:
            time.sleep(0.1)

    def _environment(self, **changes: str) -> dict[str, str]:
        places = (str(self.python.parent), str(Path(sys.executable).parent), os.environ["PATH"])
        hidden = ("MLFLOW_TRACKING_URI", "PYTHONPATH")
        outside = {name: value for name, value in os.environ.items() if name not in hidden}
        return {**outside, "PATH": os.pathsep.join(places), "DVC_NO_ANALYTICS": "true", **changes}

    def run(self, *command: str) -> str:
        done = self.call(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def patched(self, patch: str) -> subprocess.CompletedProcess[str]:
        """A study in a process of its own, in which something was done to our code first."""
        code = (
            "from headstart.pipeline.startup import blas; blas.choose_kernels()\n"  # before numpy is imported
            f"{patch}\n"
            "import sys; sys.argv = ['headstart', 'study']\n"
            "from headstart.pipeline.cli import main; main.main()"
        )
        return self.call(str(self.python), "-c", code)

    def read(self, name: str) -> dict:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def table(self, *columns: str) -> list[tuple[str, ...]]:
        """Some columns of cells.csv."""
        with (self.folder / "reports/cells.csv").open(newline="", encoding="utf-8") as file:
            return [tuple(row[column] for column in columns) for row in csv.DictReader(file)]

    def runs(self):
        """MLflow's client, the latest study's run, and its cells' runs by name."""
        # A copy: MLflow keeps a connection to each file, which a restored project has replaced.
        copy = Path(tempfile.mkdtemp(dir=self.folder.parent))
        shutil.copy(self.folder / "mlruns/mlflow.db", copy)
        (copy / "artifacts").symlink_to(self.folder / "mlruns/artifacts")
        client = mlflow.MlflowClient(f"sqlite:///{copy / 'mlflow.db'}")
        (found,) = [e for e in client.search_experiments() if e.name == "shapes"]
        runs = client.search_runs([found.experiment_id], order_by=["start_time DESC"], max_results=1000)
        parent = max((run for run in runs if "verdict" in run.data.tags), key=lambda run: run.info.end_time)
        mine = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
        return client, parent, {run.info.run_name: run for run in mine}


def candidate_of(children):
    """The run of the candidate, among the cells' runs."""
    (found,) = [run for run in children.values() if run.data.tags.get("candidate") == "true"]
    return found


def _draw(folder: Path) -> None:
    """Thirty-two images of each of three shapes; one file that is no image."""
    rng = np.random.default_rng(0)
    for label in ("circle", "square", "stripe"):
        (folder / label).mkdir(parents=True)
        for index in range(32):
            image = Image.fromarray(rng.integers(0, 90, (24, 24, 3), dtype=np.uint8))
            x, y = rng.integers(2, 10, 2).tolist()
            pen = ImageDraw.Draw(image)
            ink = tuple(rng.integers(150, 256, 3).tolist())
            box = (x, y, x + 10, y + 10)
            if label == "circle":
                pen.ellipse(box, outline=ink, width=2)
            elif label == "square":
                pen.rectangle(box, fill=ink)
            else:
                pen.line(box, fill=ink, width=2)
            image.save(folder / label / f"{index:02}.{('png', 'jpg', 'webp', 'bmp')[index % 4]}")
    (folder / "circle" / "broken.png").write_bytes(b"not an image")


@pytest.fixture(scope="session")
def installed(tmp_path_factory) -> Path:
    """The Python of a new environment with headstart's wheel; dependencies are those of this one."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "headstart", source / "headstart")  # follows its links
    build = f"from setuptools import build_meta; print(build_meta.build_wheel({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    shutil.rmtree(source)
    (wheel,) = folder.glob("headstart-*.whl")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv/bin/python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    here, there = (
        subprocess.run([one, "-c", where], check=True, capture_output=True, text=True).stdout.strip()
        for one in (sys.executable, python)
    )
    Path(there, "dependencies.pth").write_text(here + "\n", encoding="utf-8")
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True)
    return python


@pytest.fixture(scope="session")
def built(tmp_path_factory, installed):
    """The project after its first `dvc repro`, and a copy of it."""
    made = Project(tmp_path_factory.mktemp("project") / "shapes", installed)
    headstart = str(installed.with_name("headstart"))
    subprocess.run([headstart, "new", made.folder.name], cwd=made.folder.parent, check=True)
    source = tmp_path_factory.mktemp("photos") / "shapes"
    _draw(source)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for section, values in SMALL.items():
        params[section] = {**params[section], **values} if isinstance(values, dict) else values
    made.write(params)
    made.run("headstart", "data", "import", str(source))
    made.write(params)  # the import has no reason to keep a random base
    made.first = made.run("dvc", "repro")
    kept = tmp_path_factory.mktemp("kept") / "shapes"
    shutil.copytree(made.folder, kept, symlinks=True)
    return made, kept


@pytest.fixture
def project(built):
    """The project as its first run left it; what a test changes is undone after it."""
    made, kept = built
    yield made
    shutil.rmtree(made.folder)
    shutil.copytree(kept, made.folder, symlinks=True)
