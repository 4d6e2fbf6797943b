"""What is stored, and when training above the cut starts from the images instead."""

import pytest

from headstart.components.shared.activations.plan import plan_cut, plan_pooled
from headstart.components.shared.base import bases
from headstart.components.shared.base.pooling import features

IMAGES = {"train": 100, "validation": 10, "test": 10}


@pytest.fixture(scope="module")
def base():
    return bases.load("compact", "random", 32, {})  # 192 features; 8 x 8 x 96 below the top two blocks


def test_the_store_holds_every_view_of_training_images_and_one_of_the_others(base):
    planned = plan_cut(base, IMAGES, 2, 4, budget=1e9)
    assert (planned.depth, planned.views, planned.pixels, planned.note) == (2, 5, "", "")
    assert planned.bytes == (100 * 5 + 20) * (192 * 4 + 8 * 8 * 96 * 2)


def test_over_the_budget_the_views_go_first_and_then_the_activations(base):
    size = plan_cut(base, IMAGES, 2, 0, budget=1e9).bytes
    views = plan_cut(base, IMAGES, 2, 4, budget=size)
    assert (views.depth, views.views, views.bytes, views.pixels) == (2, 1, size, "")
    assert "no varied copies" in views.note
    over = plan_cut(base, IMAGES, 2, 4, budget=size - 1)
    assert over.depth == 0
    assert over.bytes == 120 * 192 * 4
    assert "more than store.budget_gb" in over.pixels


def test_the_whole_base_and_online_views_start_from_the_images(base):
    for depth in (-1, 6, 99):
        assert "the whole base" in plan_cut(base, IMAGES, depth, 0, budget=1e9).pixels
    online = plan_cut(base, IMAGES, 2, "online", budget=1e9)
    assert (online.depth, online.views) == (0, 1)
    assert "online" in online.pixels


def test_nothing_unfrozen_needs_embeddings_alone_and_no_images(base):
    planned = plan_cut(base, IMAGES, 0, 2, budget=1e9)
    assert (planned.depth, planned.views, planned.pixels) == (0, 3, "")


def test_the_finest_grids_that_fit_are_stored_and_what_is_left_out_is_named(base):
    whole = plan_pooled(base, 120, (1, 2, 3, 4), budget=1e9)
    assert (whole.grids, whole.note) == ((1, 2, 3, 4), "")
    assert whole.bytes == 120 * (2 * sum(features(base, (1, 2, 3, 4)).values()) + 4 * 192)
    less = plan_pooled(base, 120, (1, 2, 3, 4), budget=whole.bytes - 1)
    assert less.grids == (1, 2, 3)
    assert "the grids 4 x 4 are left out" in less.note
    assert plan_pooled(base, 120, (1, 2, 3, 4), budget=0).grids == (1,)
    assert plan_pooled(base, 120, (), budget=0).grids == ()


def test_a_shard_has_fewer_images_where_more_is_made_of_each():
    small, large = (bases.load("compact", "random", size, {}) for size in (32, 256))
    chunks = [
        plan_cut(b, IMAGES, 2, views, budget=1e12).chunk for b, views in [(small, 0), (large, 0), (large, 9)]
    ]
    assert chunks[0] == 1024
    assert chunks[0] > chunks[1] > chunks[2] > 1
    assert chunks[1] * (256 * 256 * 3 + 192 * 4 + 64 * 64 * 96 * 2) <= 32 << 20
