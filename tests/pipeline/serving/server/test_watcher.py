"""The server follows the folder of versions, and stays with what works."""

import logging
import shutil

import pytest

from headstart.pipeline.serving.server.engine import Engine
from headstart.pipeline.serving.server.watcher import Watcher


@pytest.fixture
def versions(tmp_path):
    place = tmp_path / "serving/shapes"
    place.mkdir(parents=True)
    return place


@pytest.fixture
def watched(versions):
    engine = Engine("shapes", None)
    return engine, Watcher(versions, engine)


def test_the_highest_version_is_served_and_a_higher_one_takes_its_place(folder, versions, watched):
    engine, watcher = watched
    for version in ("2", "10"):
        shutil.copytree(folder, versions / version)
    (versions / "notes").mkdir()
    watcher.look()
    first = engine.live
    assert first.version == 10
    watcher.look()
    assert engine.live is first
    shutil.copytree(folder, versions / "11")
    watcher.look()
    assert engine.live.version == 11


def test_a_folder_without_a_model_is_served_by_nothing(versions, watched):
    engine, watcher = watched
    (versions / "1").mkdir()
    (versions / ".2.writing").mkdir()
    watcher.look()
    assert not engine.is_ready


def test_a_live_version_outlives_its_folder(folder, versions, watched):
    engine, watcher = watched
    shutil.copytree(folder, versions / "1")
    watcher.look()
    shutil.rmtree(versions)
    watcher.look()
    engine.live.classifier.warm()
    assert engine.live.version == 1


def test_a_broken_version_is_logged_once_and_the_old_one_stays(folder, versions, watched, caplog):
    engine, watcher = watched
    shutil.copytree(folder, versions / "1")
    watcher.look()
    (versions / "2").mkdir()
    (versions / "2/saved_model.pb").write_bytes(b"half of a model")
    with caplog.at_level(logging.ERROR):
        watcher.look()
        watcher.look()
    assert [record.getMessage() for record in caplog.records] == ["Version 2 cannot be loaded."]
    assert engine.live.version == 1


def test_a_copy_that_was_looked_at_half_way_is_served_once_it_is_whole(folder, versions, watched):
    engine, watcher = watched
    (versions / "1/variables").mkdir(parents=True)
    shutil.copy(folder / "saved_model.pb", versions / "1")
    watcher.look()
    assert not engine.is_ready
    shutil.copytree(folder, versions / "1", dirs_exist_ok=True)
    watcher.look()
    assert engine.live.version == 1


def test_a_model_without_the_served_signature_is_broken(versions, watched):
    import tensorflow as tf

    engine, watcher = watched
    tf.saved_model.save(tf.Module(), str(versions / "1"))
    watcher.look()
    assert not engine.is_ready


def test_where_the_live_version_is_taken_away_the_next_lower_one_is_served(folder, versions, watched):
    engine, watcher = watched
    for version in ("1", "2"):
        shutil.copytree(folder, versions / version)
    watcher.look()
    shutil.rmtree(versions / "2")
    watcher.look()
    assert engine.live.version == 1
