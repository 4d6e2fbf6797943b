"""A store of the small images, made without Beam."""

import pytest

from headstart.components.embedder import chunks
from headstart.components.embedder.forward import Forward
from headstart.components.shared.activations import store
from headstart.components.shared.activations.store import Store
from headstart.components.shared.features import SPLITS

BASE = {"architecture": "compact", "weights": "random", "image_size": 16, "options": {}}
AUGMENT = {"flip": True, "shift": 0.1, "zoom": 0.1, "contrast": 0.1}


@pytest.fixture(scope="session")
def splits(images):
    """Opens the splits of the decoded images; `subset` is the training split's."""

    def run(subset=None):
        opened = Store(images)
        return {name: opened.split(name, subset if name == "train" else None) for name in SPLITS}

    return run


@pytest.fixture(scope="session")
def embed(images):
    """Fills a folder with a store of the images and opens it."""

    def run(folder, depth=0, views=1, grids=()):
        staging, _ = store.begin(folder, folder.name)  # shards of the same key would be resumed
        model = Forward(BASE, depth, AUGMENT, grids=grids)
        for planned in chunks.plan(Store(images), 100, views):
            store.write(staging, planned.unit, *model.rows(chunks.read(planned)))
        folder.mkdir()
        store.publish(staging, folder, {"key": folder.name, "depth": depth, "views": views})
        return Store(folder)

    return run
