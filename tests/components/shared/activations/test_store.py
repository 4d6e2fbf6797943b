"""The store: what is written is what is read, whole or not at all."""

import os

import numpy as np
import pytest

from headstart.components.shared.activations import shards, store
from headstart.components.shared.activations.shards import Rows
from headstart.components.shared.activations.store import CorruptedError, Store
from headstart.components.shared.errors import HeadstartError


def _rows(paths, views=1, shape=(2, 2, 3)):
    """Rows whose values say which image and which view they are of."""
    numbers = np.array([int(path) for path in paths])
    at = numbers[:, None] * 10 + np.arange(views)
    return Rows(
        list(paths),
        [f"group {int(path) // 2}" for path in paths],
        numbers % 2,
        numbers,
        np.repeat(at[..., None], 4, axis=-1).astype(np.float32),
        np.broadcast_to(at.reshape(*at.shape, *[1] * len(shape)), (*at.shape, *shape)).astype(np.float16) / 8,
        np.full(at.shape, 8.0, np.float32),
        {(3, 2): np.repeat(numbers[:, None], 6, axis=1).astype(np.float16)},
    )


@pytest.fixture
def published(tmp_path):
    """Five training images of three views in two shards, out of order, and one validation image."""
    folder = tmp_path / "7"
    folder.mkdir()
    staging = store.unfinished(folder, "key")
    staging.mkdir()
    for unit, rows in {
        "train-00000-000000": _rows(["3", "1"], views=3),
        "train-00001-000000": _rows(["0", "4", "2"], views=3),
        "validation-00000-000000": _rows(["9"]),
    }.items():
        (staging / f"{unit}.seconds").write_text("2.0 3.0")
        shards.write(staging, unit, rows)
    store.publish(staging, folder, {"key": "key", "depth": 2, "views": 3})
    assert not staging.exists()
    return folder


def test_a_shard_reads_back_as_it_was_written(tmp_path):
    rows = _rows(["5", "6"], views=2)
    path = shards.write(tmp_path, "train-00000-000000", rows)
    read = shards.read(path)
    assert shards.unit_of(path) == "train-00000-000000"
    assert (read.paths, read.groups) == (rows.paths, rows.groups)
    np.testing.assert_array_equal(read.pooled[3, 2], rows.pooled[3, 2])
    for name in ("labels", "ranks", "embeddings", "activations", "scales"):
        one, other = getattr(read, name), getattr(rows, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_a_shard_without_activations_reads_back_too(tmp_path):
    path = shards.write(tmp_path, "unit", _rows(["5", "6"], shape=(0,)))
    assert shards.read(path).activations.size == 0


def test_the_same_rows_make_the_same_file(tmp_path):
    assert shards.write(tmp_path, "unit", _rows(["5"])) == shards.write(tmp_path, "unit", _rows(["5"]))
    assert len(list(tmp_path.iterdir())) == 1


def test_rows_come_in_the_order_of_their_paths_whatever_the_shards_order(published):
    split = Store(published).split("train")
    assert split.paths == ["0", "1", "2", "3", "4"]
    assert split.labels.tolist() == [0, 1, 0, 1, 0]
    taken = split.activations(np.array([4, 0, 3]), np.array([0, 1, 2]))
    assert taken.shape == (3, 2, 2, 3)
    assert taken[:, 0, 0, 0].tolist() == [40, 1, 32]
    assert split.embeddings(np.array([1, 2]), np.array([2, 0]))[:, 0].tolist() == [12, 20]
    assert split.groups == ["group 0", "group 0", "group 1", "group 1", "group 2"]
    assert split.pooled == {(3, 2): 6}
    assert split.block((3, 2), np.array([4, 0, 1]))[:, 5].tolist() == [4, 0, 1]


def test_a_subset_has_the_images_that_it_names(published):
    split = Store(published).split("train", ["1", "0"])
    assert split.paths == ["0", "1"]
    assert split.views == 3


def test_seconds_are_shared_among_the_views_of_all_images(published):
    assert Store(published).seconds_per_view == pytest.approx(6.0 / (5 * 3 + 1))
    assert Store(published).cpu_seconds_per_view == pytest.approx(9.0 / (5 * 3 + 1))


@pytest.mark.parametrize("damage", ["a changed byte", "cut short", "empty", "gone"])
def test_a_damaged_shard_is_named_and_all_others_are_kept_for_the_next_run(published, damage):
    victim = next(published.glob("train-00001-*.arrow"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    changed = {"a changed byte": bytes(content), "cut short": bytes(content[:-9]), "empty": b""}
    if damage == "gone":
        victim.unlink()
    else:
        victim.write_bytes(changed[damage])
    with pytest.raises(CorruptedError, match=victim.name) as told:
        Store(published)
    assert told.value.path == victim

    store.give_back(published)
    staging = store.unfinished(published, "key")
    assert not published.exists()
    units = {shards.unit_of(path) for path in staging.glob("*.arrow") if shards.is_sound(path)}
    assert units == {"train-00000-000000", "validation-00000-000000"}


@pytest.mark.parametrize("content", [None, "", '{"key": "k'], ids=["gone", "empty", "half"])
def test_a_store_without_a_whole_index_is_told_and_given_up(published, content):
    if content is None:
        (published / store.INDEX).unlink()
    else:
        (published / store.INDEX).write_text(content)
    with pytest.raises(CorruptedError, match=r"index\.json is damaged or gone"):
        Store(published)
    store.take_back(published.parent / "8", "key")
    store.give_back(published)
    assert not list(published.parent.iterdir())


def test_a_store_of_the_same_key_is_taken_back_and_one_half_published_is_left(published):
    other = store.unfinished(published, "other")
    other.mkdir()
    (other / store.INDEX).write_text("{")
    store.take_back(published.parent / "8", "another key")
    assert published.exists()
    store.take_back(published.parent / "8", "key")
    assert sorted(path.name for path in published.parent.iterdir()) == ["unfinished-key", "unfinished-other"]
    assert not (store.unfinished(published, "key") / store.INDEX).exists()
    store.take_back(published.parent / "8", "key")  # what is unfinished stays
    assert len(list(store.unfinished(published, "key").glob("*.arrow"))) == 3


def test_a_full_disk_is_told_with_the_remedy(tmp_path, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(HeadstartError, match="is full: free some space, or lower augment.views"):
        shards.write(tmp_path, "unit", _rows(["5"]))


def test_the_stores_used_longest_ago_are_removed_where_all_exceed_the_budget(tmp_path):
    folders = [tmp_path / name for name in ("1", "2", "3")]
    for age, folder in zip((30, 10, 20), folders):
        folder.mkdir()
        staging = store.unfinished(folder, "key")
        staging.mkdir()
        shards.write(staging, "train-00000-000000", _rows(["1"]))
        (staging / "train-00000-000000.seconds").write_text("1 1")
        size = store.publish(staging, folder, {"key": "key", "depth": 0, "views": 1})["bytes"]
        then = folder.stat().st_mtime - age
        os.utime(folder, (then, then))
    store.unfinished(folders[0], "other").mkdir()
    store.prune(folders[0], budget=2 * size)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]
    store.prune(folders[1], budget=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2"]
