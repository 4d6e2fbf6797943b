"""A store of the small examples, made without Beam."""

import pytest

from components.activations import shards, store
from components.activations.store import Store
from components.embedder.chunks import chunks
from components.embedder.forward import Forward
from components.features import SPLITS

BASE = {"architecture": "compact", "weights": "random", "image_size": 16, "options": {}}
AUGMENT = {"flip": True, "shift": 0.1, "zoom": 0.1, "contrast": 0.1}


@pytest.fixture
def embed(examples):
    """Fills a folder with a store of the examples and opens it."""

    def run(folder, depth=0, views=1, grids=()):
        folder.mkdir()
        staging = store.unfinished(folder, "key")
        staging.mkdir()
        model = Forward(BASE, depth, AUGMENT, grids=grids)
        for split in SPLITS:
            for number, path in enumerate(sorted((examples / f"Split-{split}").iterdir())):
                for chunk in chunks((split, number, str(path)), 16, 100, views, set()):
                    found, seconds = model.rows(chunk)
                    (staging / f"{chunk.unit}.seconds").write_text(" ".join(map(str, seconds)))
                    shards.write(staging, chunk.unit, found)
        store.publish(staging, folder, {"key": "key", "depth": depth, "views": views})
        return Store(folder)

    return run
