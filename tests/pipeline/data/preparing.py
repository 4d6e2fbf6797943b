"""Folders of small photos, and `prepare` on them."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config import file as config
from headstart.pipeline.data import manifest
from headstart.pipeline.data import prepare as preparing

CONFIG = config.load(Path(__file__).parents[3] / "params.yaml")


def with_prepare(**changes):
    return CONFIG.model_copy(update={"prepare": CONFIG.prepare.model_copy(update=changes)})


def photo(path, value=None, size=(4, 4)):
    """A small PNG whose bytes follow from its path, or from `value` alone."""
    seed = value if value is not None else sum(map(ord, str(path.relative_to(path.parents[2])))) * 1000 + 1
    pixels = np.random.default_rng([seed, *map(ord, path.name if value is None else "")]).integers(
        0, 255, (*size, 3)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path, "PNG")
    return path


def folder(root, **classes):
    """data/ with so many images a class; `train__cat=3` is train/cat."""
    for name, count in classes.items():
        for number in range(count):
            photo(root / "data" / Path(*name.split("__")) / f"{number:03}.png")
    return root / "data"


def prepare(data, settings=CONFIG):
    out = data.parent / "out"
    out.mkdir(exist_ok=True)
    prepared = preparing.prepare(settings, data, out)
    return prepared, manifest.read(out / "manifest.csv")


def counts(rows):
    return Counter((row["label"], row["split"]) for row in rows)


def refused(data, *words, settings=CONFIG):
    with pytest.raises(HeadstartError) as caught:
        prepare(data, settings)
    message = str(caught.value)
    for word in words:
        assert word in message
    assert message.count("\n") == 0 and not (data.parent / "out" / "manifest.csv").exists()


# The split.
