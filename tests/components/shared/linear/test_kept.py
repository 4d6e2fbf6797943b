"""A head in a file beside its model."""

import numpy as np

from headstart.components.shared.linear import kept
from headstart.components.shared.linear.features import Candidate
from headstart.components.shared.linear.head import Head
from headstart.components.shared.linear.kept import KeptHead

HEAD = Head(Candidate("top four", (2, 3), 2), np.arange(6, dtype=np.float32).reshape(3, 2), np.ones(2, "f4"))
BASE = {"architecture": "compact", "options": {}, "image_size": 32}


def test_what_is_written_is_read(tmp_path):
    KeptHead(HEAD, ("cat", "dog"), BASE).write(tmp_path)
    found = kept.read(tmp_path / kept.FILE)
    assert (found.labels, found.base, found.head.candidate) == (("cat", "dog"), BASE, HEAD.candidate)
    np.testing.assert_array_equal(found.head.weights, HEAD.weights)
    np.testing.assert_array_equal(found.head.bias, HEAD.bias)


def test_classes_are_matched_by_name_and_a_new_one_has_no_weights():
    found = KeptHead(HEAD, ("cat", "dog"), BASE).for_classes(["ant", "dog", "cat"])
    np.testing.assert_array_equal(found.weights, [[0, 1, 0], [0, 3, 2], [0, 5, 4]])
    np.testing.assert_array_equal(found.bias, [0, 1, 1])


def test_of_the_base_only_what_shapes_its_features_has_to_be_the_same():
    assert kept.same_base({**BASE, "weights": "imagenet"}) == BASE
