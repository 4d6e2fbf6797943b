from collections import Counter

import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import claims, split


def images(count, labels=("a", "b"), **columns):
    """So many images a class; a column's value may be a function of label and number."""
    return [
        claims.Image(
            path=f"{label}/{number:03}.jpg",
            label=label,
            **{"sha256": f"{label}{number}"}
            | {name: value(label, number) for name, value in columns.items()},
        )
        for label in labels
        for number in range(count)
    ]


def assign(members):
    return split.assign(members, seed=1, validation=0.15, test=0.15)


def test_one_more_image_moves_at_most_a_few_others():
    for count in range(20, 60):
        before = assign(images(count))
        extra = claims.Image(f"a/{count}.jpg", "a", f"a{count}")
        after = assign([*images(count), extra])
        assert sum(before[path] != after[path] for path in before) <= 2


def test_the_order_of_the_images_does_not_matter():
    assert assign(images(30)) == assign(images(30)[::-1])
    assert split.ranks(images(30), seed=1) == split.ranks(images(30)[::-1], seed=1)


def test_any_prefix_is_within_one_image_of_the_classes_shares():
    sizes = {"a": 50, "b": 30, "c": 20}
    members = [
        claims.Image(f"{label}/{n}", label, "") for label, count in sizes.items() for n in range(count)
    ]
    ranked = sorted(split.ranks(members, seed=1).items(), key=lambda item: item[1])
    for length in range(10, 101):
        seen = Counter(path[0] for path, _ in ranked[:length])
        assert all(abs(seen[label] - length * size / 100) <= 1 for label, size in sizes.items())


def test_a_subset_has_its_share_halves_up_and_one_image_of_every_class():
    assert [split.subset_size(0.1, count, 3) for count in (20, 34, 35, 2)] == [3, 3, 4, 2]


def test_exact_copies_stay_in_one_split():
    # Every second image is a copy of the one before.
    splits = assign(images(40, sha256=lambda label, number: f"{label}{number // 2}"))
    for number in range(0, 40, 2):
        assert splits[f"a/{number:03}.jpg"] == splits[f"a/{number + 1:03}.jpg"]
    assert Counter(splits.values()) == {"train": 56, "validation": 12, "test": 12}


def test_one_file_under_two_labels_goes_under_both():
    stay, left_out = claims.remove_copies(
        images(3, sha256=lambda label, number: f"{label * (number != 1)}{number}")
    )
    assert [image.path for image in stay] == ["a/000.jpg", "a/002.jpg", "b/000.jpg", "b/002.jpg"]
    assert left_out == [
        ("a/001.jpg", "the same file as b/001.jpg, under another label"),
        ("b/001.jpg", "the same file as a/001.jpg, under another label"),
    ]


def test_a_group_is_never_in_two_splits():
    members = images(40, group=lambda label, number: f"person{number // 4}")
    splits = assign(members)
    found = {(image.group, splits[image.path]) for image in members}
    assert len(found) == 10
    # 6 of 40 are wanted; groups have 4, and a second one would overshoot by as much as one falls short.
    counts = Counter((image.label, splits[image.path]) for image in members)
    assert counts["a", "test"] == counts["b", "validation"] == 4


def test_a_copy_ties_two_groups_together():
    members = images(20, group=lambda label, number: str(number // 2))
    twins = [claims.Image(f"a/copy{n}.jpg", "a", "the same", group=str(n)) for n in range(4)]
    splits = assign([*members, *twins])
    assert len({splits[image.path] for image in [*members, *twins] if image.group in "0123"}) == 1


def test_three_large_groups_still_fill_three_splits():
    members = images(30, group=lambda label, number: str(number % 3))
    splits = assign(members)
    assert set(Counter((image.label, splits[image.path]) for image in members).values()) == {10}


def test_a_group_in_two_of_the_users_splits_is_refused():
    members = images(
        4, fixed=lambda label, number: "test" if number == 0 else "train", group=lambda *_: "anna"
    )
    with pytest.raises(HeadstartError, match=r"'anna' .* test \(a/000.jpg\) and train \(a/001.jpg\)"):
        assign(members)


def test_too_few_groups_are_refused_with_their_number():
    with pytest.raises(HeadstartError, match="'a' has 8 images in 2 groups"):
        assign(images(8, group=lambda label, number: f"{label}{number % 2}"))


def manifest_row(path: str, sha256: str = "", **columns: str) -> dict[str, str]:
    return {"path": path, "label": "a", "sha256": sha256 or path, **columns}


def test_the_groups_of_manifest_rows_stand_in_their_order():
    rows = [manifest_row("a", group="ann"), manifest_row("b"), manifest_row("c", group="ann")]
    assert split.groups_of(rows) == ["ann", "b", "ann"]


def test_without_a_group_column_every_image_is_its_own_group_but_copies_are_one():
    rows = [manifest_row("a"), manifest_row("b", "same"), manifest_row("c", "same")]
    assert split.groups_of(rows) == ["a", "b", "b"]
