"""Two bases on the same test images."""

from types import SimpleNamespace

import numpy as np
import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.study import compare


def cell(name, right, images=100):
    predictions = [{"label": "a", "predicted": "a" if number < right else "b"} for number in range(images)]
    return SimpleNamespace(name=name, predictions=predictions)


def judged(*rights, clean=None, units=None):
    cells = [cell(f"frozen-{right}", right) for right in rights]
    clean = np.ones(100, bool) if clean is None else clean
    units = units or [str(number) for number in range(100)]
    return compare.judge(["champion", "imagenet", "letters"][: len(cells)], cells, clean, units, 0.95)


def test_each_base_has_its_accuracy_and_the_first_is_tested_against_the_others():
    found = judged(95, 75)
    assert [(one.weights, one.cell, one.accuracy.value) for one in found.contenders] == [
        ("champion", "frozen-95", 0.95),
        ("imagenet", "frozen-75", 0.75),
    ]
    (one,) = found.differences
    assert one.gain.value == pytest.approx(0.2)
    assert 0.1 < one.gain.low < 0.2 < one.gain.high < 0.3
    assert one.p_value < 0.001


def test_with_several_bases_the_tests_share_one_error_rate():
    (alone,), (first, _) = judged(95, 90).differences, judged(95, 90, 89).differences
    assert first.p_value > alone.p_value


def test_images_that_a_base_has_seen_do_not_count():
    clean = np.arange(100) >= 50
    found = judged(95, 75, clean=clean)
    assert (found.images, found.left_out) == (50, 50)
    assert found.contenders[0].accuracy.value == pytest.approx(0.9)


def test_images_of_one_group_count_as_less_than_as_many_images():
    grouped = judged(95, 75, units=[str(number // 10) for number in range(100)])
    assert grouped.differences[0].gain.low < judged(95, 75).differences[0].gain.low


@pytest.mark.parametrize("weights", [["champion"], ["champion", "champion"], []])
def test_fewer_than_two_bases_are_refused(weights):
    with pytest.raises(HeadstartError, match="Name two bases or more, each once"):
        config = SimpleNamespace(study=SimpleNamespace(strategies=("frozen",)))
        compare.compare(config, weights, None)


def test_without_a_strategy_that_starts_from_a_base_it_says_what_to_add():
    config = SimpleNamespace(study=SimpleNamespace(strategies=("scratch", "random_blocks")))
    with pytest.raises(HeadstartError, match="add frozen or fine_tune"):
        compare.compare(config, ["champion", "imagenet"], None)
