"""Served models on disk, in TensorFlow Serving's `<model>/<version>/` layout: put there, found, asked."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from headstart.components.image_example_gen.images import for_graph
from headstart.components.image_example_gen.opener import UnusableError
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.files import remove, replacing
from headstart.pipeline.data.seen import FILE as SEEN
from headstart.pipeline.data.seen import Seen
from headstart.pipeline.project import SERVING
from headstart.pipeline.serving.classifier import Classifier
from headstart.pipeline.serving.saved_model import digest

EXTRA = "assets.extra"  # of a SavedModel: files that servers ignore
_BATCH = 32


@dataclass(frozen=True)
class Prediction:
    """The answer for one image: the label, and the probability of every class, highest first."""

    label: str
    probabilities: dict[str, float]


def put(model: Path, name: str, version: str, seen: Seen, registered: Collection[str]) -> Path:
    """Copy a SavedModel to `serving/<name>/<version>/`, and remove the other versions of the registry.

    Servers take the highest version. So the new one is there, whole, before a higher one goes. A model that
    the registry does not know, as after it was started anew, stays; then the new one gets the next free
    number above it.

    Args:
        model: the SavedModel's folder.
        name: of the registered model.
        version: its number in the registry.
        seen: the images that the model has seen, kept beside it for studies that start from it.
        registered: digests of the SavedModels of all versions.

    Returns:
        The folder that is served.
    """
    wanted, number = digest(model), int(version)
    there = {int(place.name): digest(place) for place in _versions(name)}
    staying = [one for one, found in there.items() if found != wanted and found not in registered]
    if there.get(number, wanted) != wanted or any(one > number for one in staying):
        above = max(staying, default=0)
        same = [one for one, found in there.items() if found == wanted and one > above]
        number = same[0] if same else 1 + max(there)
    place = SERVING / name / str(number)
    if number not in there:
        with replacing(place) as arriving:
            shutil.copytree(model, arriving)
            (arriving / EXTRA).mkdir(exist_ok=True)
            seen.write(arriving / EXTRA / SEEN)
    for one in there.keys() - {number, *staying}:
        gone = SERVING / name / f".{one}.writing-old"  # whole until it is gone for readers, also after a kill
        (SERVING / name / str(one)).rename(gone)
        remove(gone)
    return place


def clear_leftovers(name: str) -> None:
    """Remove what processes that were killed left of versions that they were copying."""
    for left in (SERVING / name).glob(".*.writing*"):
        remove(left)


def champion(name: str) -> Path | None:
    """The served version of a model, or None."""
    return max(_versions(name), key=lambda path: int(path.name), default=None)


def _versions(name: str) -> list[Path]:
    folders = [path for path in (SERVING / name).glob("*") if path.name.isdecimal()]
    return [path for path in folders if (path / "saved_model.pb").is_file()]


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
