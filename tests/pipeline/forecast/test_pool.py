"""The photos of a folder: which of them count, what is kept of them, what is refused."""

import csv
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from headstart.components.shared.activations.store import Split
from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import manifest
from headstart.pipeline.forecast import pool
from headstart.pipeline.forecast.stored import Stored

SECTION = {"architecture": "compact", "weights": "random", "image_size": 16, "options": {}}
GRIDS = (1, 2)
CONSOLE = Console(quiet=True)


def _photo(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 24, 3), np.uint8)).save(path)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A project with two labelled images, and a folder of three photos beside files that are none."""
    monkeypatch.chdir(tmp_path)
    for seed, name in enumerate(("a/0.png", "b/1.png")):
        _photo(Path("data") / name, seed)
    with Path("manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split", "sha256"])
        for name in ("a/0.png", "b/1.png"):
            digest = hashlib.sha256((Path("data") / name).read_bytes()).hexdigest()
            writer.writerow([name, name[0], "train", digest])
    folder = tmp_path / "photos"
    for seed, name in enumerate(("x.png", "deep/er/y.png", "z.jpg")):
        _photo(folder / name, 10 + seed)
    return folder


@pytest.fixture
def stored(photos):
    """What a study with the compact base would have left."""
    from headstart.components.embedder.forward import Forward

    names = [row["path"] for row in manifest.read()]
    encoded = {name: (Path("data") / name).read_bytes() for name in names}
    rows = pool._rows(Forward(SECTION, 0, {}, 64, GRIDS), encoded, 16)
    return Stored(Split([rows]), ["a", "b"], SECTION, "compact", rows.embeddings[:, 0])


def _embed(folder, stored):
    return pool.embed(folder, stored, manifest.read(), GRIDS, CONSOLE)


def _embedding(found, path):
    row = np.array([found.paths.index(path)])
    return found.split.embeddings(row, np.zeros_like(row))[0]


@pytest.mark.slow
def test_photos_at_any_depth_are_found_once_and_other_files_are_counted_by_reason(photos, stored):
    shutil.copy(photos / "x.png", photos / "deep/x again.png")
    shutil.copy("data/a/0.png", photos / "labelled.png")
    (photos / "notes.txt").write_text("no photo")
    (photos / ".hidden").mkdir()
    _photo(photos / ".hidden/h.png", 77)
    (photos / "cut.png").write_bytes((photos / "x.png").read_bytes()[:300])
    found = _embed(photos, stored)
    assert sorted(found.paths) == ["deep/er/y.png", "deep/x again.png", "z.jpg"]
    assert found.skipped.pop("already in data/") == 1
    assert found.skipped.pop("copy of another photo") == 1
    assert found.skipped.pop("not an image") == 1
    ((reason, count),) = found.skipped.items()
    assert (reason.startswith("damaged"), count) == (True, 1)


@pytest.mark.slow
def test_a_photo_has_the_features_that_a_study_would_store(photos, stored):
    with Image.open("data/a/0.png") as image:
        image.save(photos / "same pixels.bmp")
    found = _embed(photos, stored)
    assert _embedding(found, "same pixels.bmp") == pytest.approx(stored.embeddings[0], rel=1e-4)
    assert found.split.pooled == stored.train.pooled


@pytest.mark.slow
def test_photos_that_were_embedded_before_are_not_embedded_again(photos, stored, monkeypatch):
    first = _embed(photos, stored)
    monkeypatch.setattr(pool, "_make", lambda *_: pytest.fail("a photo was embedded again"))
    (photos / "z.jpg").rename(photos / "renamed.jpg")
    second = _embed(photos, stored)
    assert sorted(second.paths) == ["deep/er/y.png", "renamed.jpg", "x.png"]
    assert (_embedding(second, "renamed.jpg") == _embedding(first, "z.jpg")).all()


@pytest.mark.slow
def test_a_call_that_was_stopped_resumes(photos, stored, monkeypatch):
    monkeypatch.setattr(pool, "_AT_A_TIME", 1)
    make, made = pool.shards.write, []

    def stopped(folder, unit, rows):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(unit)
        return make(folder, unit, rows)

    monkeypatch.setattr(pool.shards, "write", stopped)
    with pytest.raises(KeyboardInterrupt):
        _embed(photos, stored)
    before = set(made)
    made.clear()
    assert len(_embed(photos, stored).paths) == 3
    assert len(made) == 1
    assert not before & set(made)


@pytest.mark.slow
def test_a_damaged_shard_is_made_again_and_one_of_photos_that_are_gone_is_removed(photos, stored):
    first = _embed(photos, stored)
    (shard,) = pool.CACHE.glob("*/*.arrow")
    shard.write_bytes(shard.read_bytes()[:-9])
    assert _embedding(_embed(photos, stored), "x.png") == pytest.approx(_embedding(first, "x.png"))
    shutil.rmtree(photos)
    _photo(photos / "new.png", 99)
    assert _embed(photos, stored).paths == ["new.png"]
    assert len(list(pool.CACHE.glob("*/*.arrow"))) == 1


@pytest.mark.slow
def test_a_base_that_no_longer_gives_what_the_store_has_is_refused(photos, stored):
    other = Split([pool.shards.Rows(**{**vars(stored.train._parts[0]), "embeddings": _others(stored)})])
    with pytest.raises(HeadstartError, match=r"have changed since the last study: run `dvc repro`"):
        _embed(photos, Stored(other, stored.labels, SECTION, "compact", stored.embeddings))


def _others(stored):
    return stored.train._parts[0].embeddings[:, :, ::-1]


def _unread(folder):
    """A call that fails before it reads the store."""
    return pool.embed(folder, Stored(None, [], SECTION, "", None), manifest.read(), GRIDS, CONSOLE)


def test_a_folder_that_is_none_is_refused(photos):
    for folder in (photos / "x.png", photos / "gone"):
        with pytest.raises(HeadstartError, match=r"is not a folder: give --pool a folder of photos"):
            _unread(folder)


@pytest.mark.parametrize("folder", ["data", "data/a", "photos/../data/b"])
def test_a_folder_in_data_is_refused(photos, folder):
    with pytest.raises(HeadstartError, match=r"is in data/, whose images have labels"):
        _unread(Path(folder))


def test_a_folder_without_new_photos_is_refused_with_what_it_has(photos):
    shutil.rmtree(photos)
    photos.mkdir()
    with pytest.raises(HeadstartError, match=r"holds no photos to label \(no files\): name a folder"):
        _unread(photos)
    shutil.copy("data/a/0.png", photos / "labelled.png")
    (photos / "notes.txt").write_text("no photo")
    with pytest.raises(HeadstartError, match=r"\(already in data/: 1, not an image: 1\): name a folder"):
        _unread(photos)
