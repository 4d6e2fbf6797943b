"""Reading transformed examples, and varying training images."""

import numpy as np
import pytest
import tensorflow as tf

from components.features import LABEL_INDEX, PATH, PIXELS, RANK
from components.trainer.records import Records, vary


@pytest.fixture
def files(tmp_path):
    path = tmp_path / "transformed.gz"
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for rank in (3, 0, 2, 1):
            feature = {
                PIXELS: tf.train.Feature(bytes_list=tf.train.BytesList(value=[bytes([rank]) * 48])),
                LABEL_INDEX: tf.train.Feature(int64_list=tf.train.Int64List(value=[rank % 2])),
                PATH: tf.train.Feature(bytes_list=tf.train.BytesList(value=[f"{rank:02}".encode()])),
                RANK: tf.train.Feature(int64_list=tf.train.Int64List(value=[rank])),
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return [str(tmp_path / "*")]


def test_a_subset_is_the_first_images_by_rank(files):
    records = Records(files, image_size=4, images=2)
    ((pixels, labels),) = list(records.batches(10))
    assert sorted(pixels.numpy()[:, 0, 0, 0]) == [0.0, 1.0]
    assert sorted(labels.numpy()) == [0, 1]
    assert len(records) == 2


def test_pixels_and_labels_stay_together_when_shuffled(files):
    still = {"flip": False, "shift": 0.0, "zoom": 0.0, "contrast": 0.0}
    for pixels, labels in Records(files, image_size=4).shuffled(2, seed=1, augment=still).repeat(3):
        assert (pixels.numpy()[:, 0, 0, 0].astype(int) % 2 == labels.numpy()).all()


def test_images_come_in_the_order_of_their_paths_whatever_the_files_order(files):
    ((pixels, _),) = list(Records(files, image_size=4).batches(10))
    assert list(pixels.numpy()[:, 0, 0, 0]) == [0.0, 1.0, 2.0, 3.0]


def _noise():
    return tf.random.stateless_uniform([8, 16, 16, 3], [1, 2], 0.0, 255.0)


def test_no_change_asked_is_no_change_made():
    images = _noise()
    same = vary(images, tf.constant([1, 2], tf.int64), flip=False, shift=0.0, zoom=0.0, contrast=0.0)
    np.testing.assert_allclose(same, images, atol=1e-3)


def test_a_flip_mirrors_about_half_of_the_images_exactly():
    images = _noise()
    flipped = vary(
        images, tf.constant([3, 4], tf.int64), flip=True, shift=0.0, zoom=0.0, contrast=0.0
    ).numpy()
    mirrored = images.numpy()[:, :, ::-1]
    is_same = [np.allclose(a, b, atol=1e-2) for a, b in zip(flipped, images.numpy())]
    is_mirrored = [np.allclose(a, b, atol=1e-2) for a, b in zip(flipped, mirrored)]
    assert all(a != b for a, b in zip(is_same, is_mirrored))
    assert 0 < sum(is_mirrored) < 8


def test_changes_keep_the_range_and_follow_the_seed():
    images = _noise()
    arguments = {"flip": True, "shift": 0.2, "zoom": 0.3, "contrast": 0.5}
    one, again, other = (
        vary(images, tf.constant(s, tf.int64), **arguments).numpy() for s in ([1, 1], [1, 1], [1, 2])
    )
    assert one.min() >= 0.0
    assert one.max() <= 255.0
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
