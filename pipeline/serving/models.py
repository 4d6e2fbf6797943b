"""Served models on disk, in TensorFlow Serving's `<model>/<version>/` layout: put there, found, asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from headstart.components.image_example_gen.images import for_graph
from headstart.components.image_example_gen.opener import UnusableError
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.files import replacing
from headstart.pipeline.project import SERVING
from headstart.pipeline.serving.classifier import Classifier
from headstart.pipeline.serving.saved_model import digest

_BATCH = 32


@dataclass(frozen=True)
class Prediction:
    """The answer for one image: the label, and the probability of every class, highest first."""

    label: str
    probabilities: dict[str, float]


def put(model: Path, name: str, version: str) -> Path:
    """Copy a SavedModel to `serving/<name>/<version>/`; it appears there whole or not at all.

    Servers take the highest version. Where another model has this number or a higher one, as after the
    registry was started anew, the model gets the next free one.
    """
    latest = champion(name)
    if latest and digest(latest) == digest(model):
        return latest
    number = max(int(version), int(latest.name) + 1) if latest else int(version)
    place = SERVING / name / str(number)
    with replacing(place) as arriving:
        shutil.copytree(model, arriving)
    return place


def champion(name: str) -> Path | None:
    """The served version of a model, or None."""
    versions = [path for path in (SERVING / name).glob("*") if path.name.isdecimal()]
    return max(versions, key=lambda path: int(path.name), default=None)


def predict(model: Path, images: Iterable[bytes]) -> Iterator[Prediction]:
    """Ask a SavedModel about encoded images, a batch at a time."""
    classifier = Classifier(model)
    stream = map(for_graph, images)
    while batch := list(islice(stream, _BATCH)):
        for answer in classifier.answer(batch):
            by_class = sorted(zip(answer.labels, answer.probabilities), key=lambda pair: -pair[1])
            yield Prediction(answer.label, dict(by_class))


def ask_champion(name: str, files: list[Path]) -> list[Prediction]:
    """The champion's predictions for image files.

    Raises:
        HeadstartError: there is no champion; a file cannot be read, or is not an image.
    """
    model = champion(name)
    if model is None:
        raise HeadstartError(
            f"{SERVING / name} has no model yet: run `dvc repro`, or `dvc repro -f promote` if it was "
            "deleted."
        )
    return list(predict(model, [_read(file) for file in files]))


def accuracy(model: Path, files: list[Path], labels: list[str]) -> float:
    """The part of the files that a served model labels right, 0…1."""
    answers = predict(model, (file.read_bytes() for file in files))
    return sum(answer.label == label for answer, label in zip(answers, labels)) / len(labels)


def _read(file: Path) -> bytes:
    named = "name a JPEG, PNG, GIF, BMP, WebP or HEIC file."
    try:
        encoded = file.read_bytes()
        for_graph(encoded, checked=True)
    except OSError as error:
        what = "is not there" if not file.exists() else f"cannot be read ({error.strerror})"
        raise HeadstartError(f"{file} {what}: {named}") from error
    except UnusableError as error:
        raise HeadstartError(f"{file} cannot be read as an image ({error}): {named}") from error
    return encoded
