"""From manifest rows to examples."""

import pytest
import tensorflow as tf

from headstart.components.image_example_gen.executor import rows_by_split, to_example
from headstart.components.shared.errors import HeadstartError

ROW = {
    "path": "cat/1.png",
    "label": "cat",
    "split": "train",
    "rank": "4",
    "sha256": "x",
    "group": "burst 7",
    "brightness": "dark",
}


def test_rows_go_to_their_splits_in_the_manifests_order(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_text(
        "path,label,split,rank,sha256\na,x,test,-1,h\nb,x,train,0,h\nc,y,train,1,h\n", encoding="utf-8"
    )
    rows = rows_by_split(path)
    assert [row["path"] for row in rows["train"]] == ["b", "c"]
    assert (len(rows["validation"]), len(rows["test"])) == (0, 1)
    assert rows["train"][0]["group"] == rows["train"][1]["group"]  # copies stay together


def test_an_example_carries_the_original_bytes_the_label_the_rank_and_the_slice_columns(tmp_path):
    (tmp_path / "cat").mkdir()
    pixel = tf.io.encode_png(tf.zeros([1, 1, 3], tf.uint8)).numpy()
    (tmp_path / "cat/1.png").write_bytes(pixel)
    feature = tf.train.Example.FromString(to_example(ROW, str(tmp_path))).features.feature
    assert feature["image"].bytes_list.value[0] == pixel
    assert feature["label"].bytes_list.value[0] == b"cat"
    assert feature["rank"].int64_list.value[0] == 4
    assert feature["brightness"].bytes_list.value[0] == b"dark"
    assert feature["group"].bytes_list.value[0] == b"burst 7"
    assert set(feature) == {"image", "label", "path", "group", "rank", "brightness"}


@pytest.mark.parametrize("path", ["../secret.png", "cat/../../secret.png", "/secret.png"])
def test_a_path_that_leaves_the_data_folder_is_refused(tmp_path, path):
    (tmp_path / "secret.png").write_bytes(b"secret")
    (tmp_path / "data").mkdir()
    with pytest.raises(HeadstartError, match="leaves"):
        to_example({**ROW, "path": path}, str(tmp_path / "data"))


def test_an_image_that_vanished_is_named(tmp_path):
    with pytest.raises(HeadstartError, match=r"cat/1.png was in the manifest but cannot be read"):
        to_example(ROW, str(tmp_path))
