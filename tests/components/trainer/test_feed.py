"""Batches by row, from the store and from the images."""

import numpy as np
import pytest

from headstart.components.shared.activations.shards import Rows
from headstart.components.shared.activations.store import Split
from headstart.components.trainer import feed

STILL = {"flip": False, "shift": 0.0, "zoom": 0.0, "contrast": 0.0}


@pytest.fixture
def split():
    """Ten images of three views; every value is ten times the row, and the view."""
    at = (np.arange(10)[:, None] * 10 + np.arange(3)).astype(np.float32)
    values = np.repeat(at[..., None], 4, axis=-1)
    return Split(
        [
            Rows(
                [f"{i:02}" for i in range(10)],
                [f"{i:02}" for i in range(10)],
                np.arange(10),
                np.arange(10),
                values,
                values[..., None].astype(np.float16) / 128,
                np.full((10, 3), 128.0, np.float32),
            )
        ]
    )


def test_without_a_seed_rows_come_in_order_and_are_the_images_themselves(split):
    batches = [(x.numpy(), y.numpy()) for x, y in feed.stored(split, "activations", 4)]
    assert [len(y) for _, y in batches] == [4, 4, 2]
    values = np.concatenate([x[:, 0, 0] for x, _ in batches])
    assert values.dtype == np.float32
    assert values.tolist() == [10.0 * row for row in range(10)]


def test_with_a_seed_every_pass_is_another_order_with_other_views_and_labels_stay_with_their_images(split):
    dataset = feed.stored(split, "embeddings", 4, seed=3)
    assert int(dataset.cardinality()) == 3
    passes = [[(x.numpy()[:, 0], y.numpy()) for x, y in dataset] for _ in range(3)]
    orders, views = [], []
    for one in passes:
        values, labels = (np.concatenate(part) for part in zip(*one))
        assert sorted(labels) == list(range(10))
        assert (values // 10 == labels).all()
        orders.append(labels.tolist())
        views.append((values % 10).tolist())
    assert orders[0] != orders[1] != orders[2]
    assert set(sum(views, [])) == {0.0, 1.0, 2.0}
    again = [(x.numpy()[:, 0], y.numpy()) for x, y in feed.stored(split, "embeddings", 4, seed=3)]
    assert all((a == c).all() and (b == d).all() for (a, b), (c, d) in zip(passes[0], again))


@pytest.mark.parametrize("augment, sizes", [({}, [2]), (None, [2, 1])])
def test_without_variations_batches_are_whole_where_that_is_asked(splits, augment, sizes):
    split = splits(["train/00", "train/02", "train/04"])["train"]
    dataset = feed.images(split, lambda x: x, 2, seed=1, augment=augment)
    assert [len(labels) for _, labels in dataset] == sizes
    assert int(dataset.cardinality()) == len(sizes)


def test_images_are_varied_anew_at_each_pass_where_that_is_asked(splits):
    split = splits(["train/00", "train/02"])["train"]

    def passes(augment):
        dataset = feed.images(split, lambda x: x / 255.0, 2, seed=1, augment=augment)
        found = []
        for _ in range(2):
            ((values, order),) = list(dataset)
            found.append(values.numpy()[np.argsort(order)])
        return found

    one, two = passes(STILL | {"contrast": 0.5})
    assert not np.allclose(one, two)
    one, two = passes(None)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(one * 255.0, split.pixels(np.arange(2)), atol=1e-3)
