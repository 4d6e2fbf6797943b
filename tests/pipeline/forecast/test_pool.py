"""The photos of a folder: which of them count, what is kept of them, what is refused."""

import csv
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import manifest
from headstart.pipeline.forecast import pool

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


def _embed(folder):
    return pool.embed(folder, SECTION, manifest.read(), GRIDS, CONSOLE)


def _embedding(found, path):
    row = np.array([found.paths.index(path)])
    return found.split.embeddings(row, np.zeros_like(row))[0]


def _stored(path):
    """What a study stores of an image of data/: Transform's decoding, then Embedder's base."""
    from headstart.components.embedder.chunks import Chunk
    from headstart.components.embedder.forward import Forward
    from headstart.components.transform.preprocessing import decode

    pixels = decode((Path("data") / path).read_bytes(), SECTION["image_size"]).numpy()[None]
    none = np.zeros(1, np.int64)
    return Forward(SECTION, 0, {}, 64, GRIDS).rows(Chunk("train", 1, [path], [path], none, none, pixels))[0]


@pytest.mark.slow
def test_photos_at_any_depth_are_found_once_and_other_files_are_counted_by_reason(photos):
    shutil.copy(photos / "x.png", photos / "deep/x again.png")
    shutil.copy("data/a/0.png", photos / "labelled.png")
    (photos / "notes.txt").write_text("no photo")
    (photos / ".hidden").mkdir()
    _photo(photos / ".hidden/h.png", 77)
    (photos / "cut.png").write_bytes((photos / "x.png").read_bytes()[:300])
    found = _embed(photos)
    assert sorted(found.paths) == ["deep/er/y.png", "deep/x again.png", "z.jpg"]
    assert found.skipped.pop("already in data/") == 1
    assert found.skipped.pop("copy of another photo") == 1
    assert found.skipped.pop("not an image") == 1
    ((reason, count),) = found.skipped.items()
    assert (reason.startswith("damaged"), count) == (True, 1)


@pytest.mark.slow
def test_a_photo_has_the_features_that_a_study_would_store(photos):
    with Image.open("data/a/0.png") as image:
        image.save(photos / "same pixels.bmp")
    there = _stored("a/0.png")
    found = _embed(photos)
    assert _embedding(found, "same pixels.bmp") == pytest.approx(there.embeddings[0, 0], rel=1e-4)
    assert found.split.pooled == {part: values.shape[1] for part, values in there.pooled.items()}


@pytest.mark.slow
def test_photos_that_were_embedded_before_are_not_embedded_again(photos, monkeypatch):
    first = _embed(photos)
    monkeypatch.setattr(pool, "_make", lambda *_: pytest.fail("a photo was embedded again"))
    (photos / "z.jpg").rename(photos / "renamed.jpg")
    second = _embed(photos)
    assert sorted(second.paths) == ["deep/er/y.png", "renamed.jpg", "x.png"]
    assert (_embedding(second, "renamed.jpg") == _embedding(first, "z.jpg")).all()


@pytest.mark.slow
def test_a_call_that_was_stopped_resumes(photos, monkeypatch):
    monkeypatch.setattr(pool, "_AT_A_TIME", 1)
    make, made = pool.shards.write, []

    def stopped(folder, unit, rows):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(unit)
        return make(folder, unit, rows)

    monkeypatch.setattr(pool.shards, "write", stopped)
    with pytest.raises(KeyboardInterrupt):
        _embed(photos)
    before = set(made)
    made.clear()
    assert len(_embed(photos).paths) == 3
    assert len(made) == 1
    assert not before & set(made)


@pytest.mark.slow
def test_a_damaged_shard_is_made_again_and_one_of_photos_that_are_gone_is_removed(photos):
    first = _embed(photos)
    (shard,) = pool.CACHE.glob("*/*.arrow")
    shard.write_bytes(shard.read_bytes()[:-9])
    assert _embedding(_embed(photos), "x.png") == pytest.approx(_embedding(first, "x.png"))
    shutil.rmtree(photos)
    _photo(photos / "new.png", 99)
    assert _embed(photos).paths == ["new.png"]
    assert len(list(pool.CACHE.glob("*/*.arrow"))) == 1


def test_a_folder_that_is_none_is_refused(photos):
    for folder in (photos / "x.png", photos / "gone"):
        with pytest.raises(HeadstartError, match=r"is not a folder: give --pool a folder of photos"):
            _embed(folder)


@pytest.mark.parametrize("folder", ["data", "data/a", "photos/../data/b"])
def test_a_folder_in_data_is_refused(photos, folder):
    with pytest.raises(HeadstartError, match=r"is in data/, whose images have labels"):
        _embed(Path(folder))


def test_a_folder_without_new_photos_is_refused_with_what_it_has(photos):
    shutil.rmtree(photos)
    photos.mkdir()
    with pytest.raises(HeadstartError, match=r"holds no photos to label \(no files\): name a folder"):
        _embed(photos)
    shutil.copy("data/a/0.png", photos / "labelled.png")
    (photos / "notes.txt").write_text("no photo")
    with pytest.raises(HeadstartError, match=r"\(already in data/: 1, not an image: 1\): name a folder"):
        _embed(photos)
