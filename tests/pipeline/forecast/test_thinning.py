"""Which class to label next: the one that has few images, and needs them."""

import numpy as np
import pytest

from headstart.components.shared.linear.features import Candidate, InMemory
from headstart.pipeline.forecast.measurement import Head
from headstart.pipeline.forecast.thinning import advise

NAMES = ["ant", "bee", "cat", "dog"]
HEAD = Head(Candidate("last", (0,), 1), 10.0)


def _data(counts, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(NAMES)), counts)
    values = rng.normal(size=(len(labels), 20))
    values[:, : len(NAMES)] += 1.5 * np.eye(len(NAMES))[labels]
    return InMemory({(0, 1): values.astype(np.float32)}), labels


def _advise(counts, seed=0, **options):
    features, labels = _data(counts, seed)
    every = np.arange(len(labels))
    return advise(features, labels, every, every, NAMES, HEAD, seed, **options)


def test_a_class_thinned_to_a_tenth_is_named_first_in_nine_cases_of_ten():
    first = 0
    for case in range(10):
        counts = [80] * len(NAMES)
        counts[case % len(NAMES)] = 8
        first += _advise(counts, case)[0].label == NAMES[case % len(NAMES)]
    assert first >= 9


def test_a_round_is_a_doubling_and_costs_its_labels():
    found = {one.label: one for one in _advise([40, 60, 80, 20], price=0.25)}
    assert {name: one.images for name, one in found.items()} == dict(zip(NAMES, (40, 60, 80, 20)))
    assert all(one.more == one.images for one in found.values())
    assert found["cat"].cost == pytest.approx(20.0)
    assert all(one.gain.low <= one.gain.value <= one.gain.high for one in found.values())


def test_without_a_price_there_is_no_cost():
    assert {one.cost for one in _advise([30] * 4)} == {None}


def test_a_class_with_a_single_image_is_not_thinned():
    found = _advise([40, 40, 40, 1])
    assert [one.label for one in found if one.label == "dog"] == []
