"""The order of images that makes subsets nest, and the files that name a subset's images."""

import pytest

from headstart.components.shared import subsets
from headstart.components.shared.errors import HeadstartError

COUNTS = {"a": 60, "b": 30, "c": 8, "d": 2}
IMAGES = [(f"{label}/{index:02}.png", label) for label, count in COUNTS.items() for index in range(count)]


def test_the_order_depends_on_neither_the_images_order_nor_the_labels_type():
    numbers = [(path, "abcd".index(label)) for path, label in IMAGES]
    assert subsets.order(reversed(IMAGES), 1) == subsets.order(numbers, 1)


def test_the_first_images_have_every_class():
    first = sorted(subsets.order(IMAGES, 1).items(), key=lambda item: item[1])[:4]
    assert {path[0] for path, _ in first} == set(COUNTS)


def test_a_file_is_read_in_its_order(tmp_path):
    file = tmp_path / "0.1.csv"
    file.write_text("path,label\nb/1.png,b\na/1.png,a\n")
    assert subsets.read({"file": str(file), "digest": subsets.digest(file)}) == ["b/1.png", "a/1.png"]


def test_a_file_that_is_gone_or_has_changed_is_told(tmp_path):
    file = tmp_path / "0.1.csv"
    with pytest.raises(HeadstartError, match="0.1.csv is not here: `dvc repro prepare`"):
        subsets.digest(file)
    file.write_text("path,label\na/1.png,a\n")
    known = subsets.digest(file)
    file.write_text("path,label\nb/1.png,b\n")
    with pytest.raises(HeadstartError, match="0.1.csv has changed"):
        subsets.read({"file": str(file), "digest": known})
