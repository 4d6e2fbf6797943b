"""A project folder with a registry of its own, and candidates as a study leaves them."""

from __future__ import annotations

import csv
import hashlib
import shutil
from pathlib import Path

import pytest

from headstart.pipeline.config import file as config
from headstart.pipeline.data import seen
from headstart.pipeline.data.seen import Seen
from headstart.pipeline.project import STUDY
from headstart.pipeline.results.candidate import CONFIDENCE, PREDICTED, UNIT, Candidate
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.tracking import candidates, client, registry
from tests.pipeline.saved_model import saved

TEMPLATE = Path(__file__).parents[3] / "pipeline/cli/template/params.yaml"
NAME = "my-images"  # as params.yaml of a new project has it
IMAGES = 60


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(TEMPLATE, "params.yaml")
    for number in range(IMAGES):
        file = Path(f"data/{'ab'[number % 2]}/{number:02}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(file.name.encode())
    return config.load()


def handed(content, right=IMAGES, wrong=(), failures=(), folders=STUDY, saw=()):
    """A candidate as a study leaves it; its model is files like a SavedModel's.

    It is right about so many images in the order of their numbers, less those that are named.
    """
    for place in (folders.candidate, folders.pushed):
        shutil.rmtree(place, ignore_errors=True)
    places = [folders.candidate / "model"] + ([] if failures else [folders.pushed / "17"])
    for model in places:
        saved(model, content)
    folders.pushed.mkdir(exist_ok=True)
    Candidate("frozen-100%", right / IMAGES, list(failures), digest(places[0]), {"base": "compact"}).write(
        folders.candidate
    )
    Seen(frozenset(saw), frozenset()).write(folders.candidate / seen.FILE)
    rows = []
    for file in sorted(Path("data").rglob("*.png"), key=lambda file: file.name):
        label, path = file.parent.name, file.relative_to("data").as_posix()
        predicted = "wrong" if len(rows) >= right or len(rows) in wrong else label
        rows.append(
            {"path": path, "label": label, "split": "test", "sha256": sha(file), "source": label}
            | {UNIT: path, PREDICTED: predicted, CONFIDENCE: 0.75}
        )
    with (folders.candidate / "test.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return digest(places[0])


def sha(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def registered(content):
    """A version of the registry, with no alias."""
    model = saved(Path("models") / content, content)
    logged = candidates.log_alone(
        client.reach(NAME), Candidate("frozen-100%", 0.9, [], digest(model), {}), model
    )
    seen.NOTHING.write(Path("models") / seen.FILE)
    return registry.register(NAME, logged, digest(model), {}, "", Path("models") / seen.FILE)
