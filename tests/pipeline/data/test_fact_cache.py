"""What is kept of images by their content."""

import io

import numpy as np
import pytest
from PIL import Image

from headstart.pipeline.config import file as config
from headstart.pipeline.data import fact_cache, image_facts, prepare
from headstart.pipeline.data.image_facts import inspect


def _png(value):
    out = io.BytesIO()
    Image.fromarray(np.full((8, 8), value, np.uint8)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def facts():
    found = [inspect(_png(value)) for value in (10, 200)]
    return {one.sha256: one for one in found}


def test_what_is_kept_comes_back(tmp_path, facts):
    assert fact_cache.read(tmp_path / "new") == {}
    fact_cache.write(tmp_path / "new", facts)
    assert fact_cache.read(tmp_path / "new") == facts


@pytest.mark.parametrize("content", [b"", b"\0" * 40, b"a,b\n1,2\n", b"\n\n"])
def test_a_damaged_file_is_none(tmp_path, facts, content):
    fact_cache.write(tmp_path, facts)
    (file,) = (tmp_path / ".headstart").glob("images-*.csv")
    file.write_bytes(content)
    assert fact_cache.read(tmp_path) == {}


def test_other_code_or_another_pillow_measures_again(tmp_path, facts, monkeypatch):
    fact_cache.write(tmp_path, facts)
    monkeypatch.setattr(fact_cache.PIL, "__version__", "0")
    assert fact_cache.read(tmp_path) == {}
    fact_cache.write(tmp_path, facts)
    assert len(list((tmp_path / ".headstart").glob("images-*"))) == 1


def test_where_it_cannot_be_kept_nothing_fails(tmp_path, facts):
    (tmp_path / ".headstart").write_text("a file is in the way", encoding="utf-8")
    fact_cache.write(tmp_path, facts)
    assert fact_cache.read(tmp_path) == {}


def test_prepare_decodes_only_what_it_has_not_seen(tmp_path, monkeypatch):
    for number in range(12):
        path = tmp_path / "data" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_png(20 * number))
    opened = []
    measure = image_facts._thumbnail
    monkeypatch.setattr(image_facts, "_thumbnail", lambda image: opened.append(1) or measure(image))
    loaded = config.load()
    prepare.prepare(loaded, tmp_path / "data", tmp_path)
    first = (tmp_path / "manifest.csv").read_bytes()
    assert len(opened) == 12
    (tmp_path / "data/a/new.png").write_bytes(_png(255))
    prepare.prepare(loaded, tmp_path / "data", tmp_path)
    assert len(opened) == 13
    (tmp_path / "data/a/new.png").unlink()
    prepare.prepare(loaded, tmp_path / "data", tmp_path)
    assert len(opened) == 13 and (tmp_path / "manifest.csv").read_bytes() == first
