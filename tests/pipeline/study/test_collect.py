"""From the manifest to what the verdict needs of it."""

from headstart.pipeline.study.collect import groups_of_test_images


def row(path: str, split: str = "test", sha256: str = "", **columns: str) -> dict[str, str]:
    return {"path": path, "label": "a", "split": split, "sha256": sha256 or path, **columns}


def test_groups_stand_in_the_order_of_the_predictions_and_are_of_test_images_alone():
    rows = [row("c", group="ann"), row("b"), row("x", "train", group="ann"), row("a", group="ann")]
    assert groups_of_test_images(rows) == ["ann", "b", "ann"]


def test_without_a_column_every_image_is_its_own_group_but_copies_are_one():
    assert groups_of_test_images([row("a"), row("b", sha256="same"), row("c", sha256="same")]) == [
        "a",
        "b",
        "b",
    ]
