"""What is stored, and when fine-tuning starts from the images instead."""

import pytest

from components.activations.plan import plan
from components.base import bases

IMAGES = {"train": 100, "validation": 10, "test": 10}


@pytest.fixture(scope="module")
def base():
    return bases.load("compact", "random", 32, {})  # 192 features; 8 x 8 x 96 below the top two blocks


def test_the_store_holds_every_view_of_training_images_and_one_of_the_others(base):
    planned = plan(base, IMAGES, 2, 4, budget=1e9)
    assert (planned.depth, planned.views, planned.pixels) == (2, 5, "")
    assert planned.bytes == (100 * 5 + 20) * (192 * 4 + 8 * 8 * 96 * 2)


def test_a_larger_store_than_the_budget_is_not_made(base):
    size = plan(base, IMAGES, 2, 0, budget=1e9).bytes
    assert not plan(base, IMAGES, 2, 0, budget=size).pixels
    over = plan(base, IMAGES, 2, 0, budget=size - 1)
    assert over.depth == 0
    assert over.bytes == 120 * 192 * 4
    assert "more than store.budget_gb" in over.pixels


def test_the_whole_base_and_online_views_start_from_the_images(base):
    for depth in (-1, 6, 99):
        assert "the whole base" in plan(base, IMAGES, depth, 0, budget=1e9).pixels
    online = plan(base, IMAGES, 2, "online", budget=1e9)
    assert (online.depth, online.views) == (0, 1)
    assert "online" in online.pixels


def test_nothing_unfrozen_needs_embeddings_alone_and_no_images(base):
    planned = plan(base, IMAGES, 0, 2, budget=1e9)
    assert (planned.depth, planned.views, planned.pixels) == (0, 3, "")


def test_a_shard_has_fewer_images_where_more_is_made_of_each():
    small, large = (bases.load("compact", "random", size, {}) for size in (32, 256))
    chunks = [
        plan(b, IMAGES, 2, views, budget=1e12).chunk for b, views in [(small, 0), (large, 0), (large, 9)]
    ]
    assert chunks[0] == 1024
    assert chunks[0] > chunks[1] > chunks[2] > 1
    assert chunks[1] * (256 * 256 * 3 + 192 * 4 + 64 * 64 * 96 * 2) <= 32 << 20
