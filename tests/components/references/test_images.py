"""Images for the references: in the order of their paths, shrunk by the mean of each area."""

import numpy as np

from headstart.components.references.images import read
from headstart.components.shared.activations.store import Store


def test_images_come_with_labels_and_ranks_in_the_order_of_their_paths(images):
    split = read(Store(images).split("train"), 32)
    assert split.paths == [f"train/{rank:02}" for rank in range(24)]
    assert split.ranks.tolist() == list(range(24))
    assert split.labels.tolist() == [0, 0, 1, 1] * 6
    assert split.pixels.shape == (24, 16, 16, 3)
    assert split.pixels.dtype == np.uint8


def test_large_images_are_shrunk_by_the_mean_of_each_area(images):
    whole, small = (read(Store(images).split("test"), side) for side in (16, 8))
    means = whole.pixels.reshape(16, 8, 2, 8, 2, 3).astype(float).mean(axis=(2, 4))
    np.testing.assert_allclose(small.pixels, means, atol=0.51)
