"""The demo's images: the same bytes on every machine, PNG files that any reader reads."""

import hashlib
import io
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from headstart.pipeline.demo import digits

SEED = 7  # that of params.yaml
# Of all paths and bytes. Where this differs, data.dvc does too: mend scenes.py, not the constant.
TREE = "3d0363f817b7da512928d3d99130d38ab14b6897cd975ebdd8e65caa3f7b6c7d"


def _sha256(folder: Path) -> str:
    tree = hashlib.sha256()
    for path in sorted(folder.rglob("*.png")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        tree.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return tree.hexdigest()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "data"
    counts = digits.write(folder, SEED)
    assert sum(counts.values()) == 1797 and list(counts) == list("0123456789")
    return folder


def test_the_images_are_the_same_bytes_on_every_machine(written):
    assert _sha256(written) == TREE


def test_written_again_they_replace_the_old_ones_with_the_same(written):
    (written / "0" / "stray.png").write_bytes(b"")
    (written.parent / ".data.demo").mkdir()
    digits.write(written, SEED)
    assert _sha256(written) == TREE
    assert [path.name for path in written.parent.iterdir()] == [written.name]


def test_every_image_lies_in_the_folder_of_its_digit(written):
    pixels, labels = digits.load(SEED)
    paths = sorted(written.rglob("*.png"), key=lambda path: path.stem)
    assert [int(path.parent.name) for path in paths] == labels.tolist() == load_digits().target.tolist()
    with Image.open(paths[100]) as image:
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image), pixels[100])


def test_others_may_read_the_folder(written):
    assert stat.S_IMODE(written.stat().st_mode) == stat.S_IMODE((written / "0").stat().st_mode)


def test_a_failed_write_leaves_the_old_folder_and_nothing_beside_it(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "mine").write_text("still here")

    def full(image):
        raise OSError("no space left on device")

    monkeypatch.setattr(digits, "encode_png", full)
    with pytest.raises(OSError, match="no space"):
        digits.write(folder, SEED)
    assert [path.name for path in tmp_path.rglob("*")] == ["data", "mine"]


def test_a_png_of_any_shape_is_read_back_as_it_was():
    image = np.random.default_rng(0).integers(0, 256, (5, 9, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(digits.encode_png(image))) as read:
        read.load()
        np.testing.assert_array_equal(np.asarray(read), image)


def test_smoothing_keeps_the_ink_and_the_place_of_a_cell():
    cells = np.zeros((1, 8, 8), np.int64)
    cells[0, 3, 4] = 16
    mask = digits.smooth(cells)[0].astype(int)
    rows, columns = np.nonzero(mask)
    assert (rows.mean(), columns.mean()) == (13.5, 17.5)  # the middle of rows 12..15 and columns 16..19
    assert mask.sum() == pytest.approx(16 * 255, rel=0.05)
    assert digits.smooth(np.full((1, 8, 8), 16))[0, 8:24, 8:24].min() == 255
