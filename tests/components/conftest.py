"""Decoded images small enough to be learnt from in seconds."""

import numpy as np
import pytest

from headstart.components.shared.activations import store
from headstart.components.shared.activations.shards import Rows


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A folder like Decoder's: two shards a split, of 24 (train) and 16 images; class 1 is bright."""
    folder = tmp_path_factory.mktemp("decoder") / "1"
    staging, _ = store.begin(folder, "images")
    rng = np.random.default_rng(0)
    for split, count in {"train": 24, "validation": 16, "test": 16}.items():
        for number in range(2):
            ranks = np.arange(number, count, 2)
            labels = (ranks // 2) % 2
            pixels = rng.integers(0, 120, (len(ranks), 16, 16, 3)) + 120 * labels[:, None, None, None]
            paths = [f"{split}/{rank:02}" for rank in ranks]
            rows = Rows(
                paths,
                paths,
                labels,
                ranks if split == "train" else np.full(len(ranks), -1),
                pixels=pixels.astype(np.uint8),
            )
            store.write(staging, f"{split}-{number:05}-000000", rows, (0.0, 0.0))
    folder.mkdir()
    store.publish(staging, folder, {"key": "images"})
    return folder
