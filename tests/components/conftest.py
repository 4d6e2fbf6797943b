"""Transformed examples small enough to be learnt from in seconds."""

import numpy as np
import pytest
import tensorflow as tf

from components.features import GROUP, LABEL_INDEX, PATH, PIXELS, RANK


def _bytes(value):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def _int(value):
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


@pytest.fixture(scope="session")
def examples(tmp_path_factory):
    """A folder like Transform's: two files a split, of 24 (train) and 16 images; class 1 is bright."""
    folder = tmp_path_factory.mktemp("transformed_examples")
    rng = np.random.default_rng(0)
    for split, images in {"train": 24, "validation": 16, "test": 16}.items():
        (folder / f"Split-{split}").mkdir()
        for number in range(2):
            path = folder / f"Split-{split}" / f"transformed_examples-{number:05}-of-00002.gz"
            with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
                for rank in range(number, images, 2):
                    label = (rank // 2) % 2
                    pixels = rng.integers(0, 120, (16, 16, 3)) + 120 * label
                    feature = {
                        PIXELS: _bytes(pixels.astype(np.uint8).tobytes()),
                        LABEL_INDEX: _int(label),
                        PATH: _bytes(f"{split}/{rank:02}".encode()),
                        GROUP: _bytes(f"{split}/{rank:02}".encode()),
                        RANK: _int(rank if split == "train" else -1),
                    }
                    writer.write(
                        tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()
                    )
    return folder
