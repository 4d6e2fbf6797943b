"""The manifest's column fold: copies and groups together, every class known, or in the order of time."""

import numpy as np
import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config.images import Prepare
from headstart.pipeline.data import folding
from headstart.pipeline.data.claims import Image
from headstart.pipeline.data.metadata import Metadata

SETTINGS = Prepare(seed=1, validation=0.15, test=0.15, max_unreadable=0.05)


def images(seed, count=150):
    """Of three classes; some are copies, some in groups, and a group may hold a copy."""
    rng = np.random.default_rng(seed)
    return [
        Image(
            f"{label}/{number:03}.png",
            str(label),
            sha256=str(rng.integers(0, 120)),
            group=str(rng.integers(0, 20)) if rng.random() < 0.3 else "",
        )
        for number, label in enumerate(rng.integers(0, 3, count))
    ]


def timed(**times):
    """An image a word, all of one class, and the metadata with their times."""
    found = [Image(path, "x", path) for path in times]
    return found, Metadata(("taken",), {path: {"taken": time} for path, time in times.items()})


def by_time(found, metadata, column="taken", count=5):
    settings = SETTINGS.model_copy(update={"time": column, "folds": count})
    return folding.numbers(found, metadata, settings)


@pytest.mark.parametrize("seed", range(5))
def test_no_group_and_no_copy_is_in_two_folds_and_every_fold_leaves_every_class(seed):
    training = images(seed)
    found = folding.numbers(training, Metadata(), SETTINGS)
    for key in ("group", "sha256"):
        folds = {}
        for image in training:
            if value := getattr(image, key):
                folds.setdefault(value, set()).add(found[image.path])
        assert all(len(one) == 1 for one in folds.values())
    for number in set(found.values()) - {"0"}:
        assert {image.label for image in training if found[image.path] != number} == {"0", "1", "2"}


def test_folds_follow_from_the_images_the_seed_and_the_number_alone():
    training = [
        Image(f"{label}/{number}", label, f"{label}{number}") for label in "ab" for number in range(20)
    ]
    found = folding.numbers(training, Metadata(), SETTINGS)
    assert sorted(found.values()) == sorted("12345" * 8)
    assert folding.numbers(training[::-1], Metadata(), SETTINGS) == found
    other = SETTINGS.model_copy(update={"folds": 4, "seed": 2})
    assert sorted(folding.numbers(training, Metadata(), other).values()) == sorted("1234" * 10)


def test_the_only_image_of_a_class_is_in_no_fold():
    training = [Image(f"{number}", "many", f"{number}") for number in range(10)]
    found = folding.numbers([*training, Image("one", "rare", "one")], Metadata(), SETTINGS)
    assert found["one"] == "0" and "0" not in (found[image.path] for image in training)


@pytest.mark.parametrize(
    "times",
    [
        {"a": "9", "b": "10", "c": "-1e3"},
        {"a": "2024-05-31 14:30", "b": "2024-05-31T14:31:00", "c": "2023-12-01"},
        {"a": "2024-05-31T23:30:00-02:00", "b": "2024-06-01T01:31:00Z", "c": "2024-06-01T03:00:00+02:00"},
    ],
)
def test_numbers_and_dates_are_put_in_the_order_of_time(times):
    assert by_time(*timed(**times)) == {"c": "0", "a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("times", "path"),
    [
        ({"a": "1", "b": "2024-05-31"}, "b"),
        ({"a": "soon"}, "a"),
        ({"a": "1", "b": ""}, "b"),
        ({"a": "nan"}, "a"),
    ],
)
def test_a_time_that_cannot_be_read_is_named_with_its_image(times, path):
    with pytest.raises(
        HeadstartError, match=f"{path} has '.*' in the column 'taken'.*2024-05-31.*prepare.time"
    ):
        by_time(*timed(**times))


def test_an_absent_column_and_equal_times_are_refused():
    with pytest.raises(
        HeadstartError, match=r"prepare.time .* names the column 'when', which data/metadata.csv"
    ):
        by_time(*timed(a="1"), column="when")
    with pytest.raises(HeadstartError, match="No image or group is later than another by the column 'taken'"):
        by_time(*timed(a="1", b="1"))
