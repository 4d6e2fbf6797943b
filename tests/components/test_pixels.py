"""Decoded images by row, in a scratch file without a name."""

import numpy as np
import pytest
import tensorflow as tf

from components.errors import HeadstartError
from components.features import PATH, PIXELS
from components.pixels import Pixels


def _pixels(examples, tmp_path, paths):
    return Pixels([f"{examples}/Split-train/*"], paths, 16, tmp_path)


def test_pixels_come_in_the_order_asked_for_and_leave_no_file(examples, tmp_path):
    paths = ["train/05", "train/00", "train/22"]
    pixels = _pixels(examples, tmp_path, paths)
    assert not list(tmp_path.iterdir())
    raw = {}
    for file in (examples / "Split-train").iterdir():
        for record in tf.data.TFRecordDataset(str(file), "GZIP").as_numpy_iterator():
            row = tf.train.Example.FromString(record).features.feature
            raw[row[PATH].bytes_list.value[0].decode()] = row[PIXELS].bytes_list.value[0]
    assert [image.tobytes() for image in pixels.take(np.arange(3))] == [raw[path] for path in paths]


def test_a_full_disk_is_told_before_anything_is_unpacked(examples, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(HeadstartError, match="is full: free some space"):
        _pixels(examples, tmp_path, ["train/00"])


def test_an_image_that_the_examples_lack_is_an_error(examples, tmp_path):
    with pytest.raises(ValueError, match="train/99 is in the store, but not among the examples"):
        _pixels(examples, tmp_path, ["train/00", "train/99"])
