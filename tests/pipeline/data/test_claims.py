"""New images with splits of the user's own: they move no old image; some are skipped."""

from dataclasses import replace

import pytest

from headstart.components.shared.features import TEST, TRAIN, VALIDATION
from headstart.pipeline.data import claims
from headstart.pipeline.data.memory import Memory
from tests.pipeline.data.test_memory import both, run


@pytest.mark.parametrize("old_split, given", [(TEST, TRAIN), (TRAIN, TEST), (VALIDATION, TRAIN)])
@pytest.mark.parametrize("shared", ["group", "bytes"])
def test_a_new_image_with_a_split_of_its_own_does_not_move_the_old_images_of_its_group_or_bytes(
    old_split, given, shared
):
    old = [replace(image, group=image.path) for image in both(20)]
    _, before, _, known = run(old, Memory())
    chosen = next(image for image in old if before[image.path] == old_split)
    sha256 = chosen.sha256 if shared == "bytes" else "new"
    others = [
        claims.Image(f"{label}/{name}", label, f"{label}{name}", "", name)
        for label in "ab"
        for name in (TRAIN, VALIDATION, TEST)
    ]
    new = claims.Image("a/new", chosen.label, sha256, chosen.group if shared == "group" else "", given)
    _, after, left_out, later = run([*old, *others, new], known)
    assert {path: after[path] for path in before} == before
    assert left_out == {"a/new": f"its group or a copy of it is in the {old_split} split, not in {given}"}
    assert run([*old, *others, new], later)[1] == after


def test_validation_images_of_the_users_own_do_not_move_those_that_were_drawn():
    fixed = [replace(image, fixed=TEST if image.path[2:] < "004" else TRAIN) for image in both(40)]
    _, before, _, known = run(fixed, Memory())
    one = [claims.Image(f"{label}/new", label, f"{label}new", "", VALIDATION) for label in "ab"]
    for _ in range(2):
        _, after, left_out, known = run([*fixed, *one], known)
        assert {path: after[path] for path in before} == before and not left_out
        assert after["a/new"] == after["b/new"] == VALIDATION


def test_an_old_image_that_the_user_moves_is_moved_without_its_group():
    old = [replace(image, group="anna" if image.path < "a/010" else "") for image in both(20)]
    _, before, _, known = run(old, Memory())
    assert before["a/000"] == TRAIN
    moved = [replace(image, fixed=TEST) if image.path in ("a/000", "b/000") else image for image in old]
    _, after, left_out, _ = run(moved, known)
    assert after["b/000"] == TEST
    assert left_out == {"a/000": "its group or a copy of it is in the train split, not in test"}
    assert {path: split for path, split in after.items() if path != "b/000"} == {
        path: split for path, split in before.items() if path not in ("a/000", "b/000")
    }


def test_a_group_that_the_user_moves_as_a_whole_is_moved():
    old = [replace(image, group="anna" if image.path < "a/005" else "") for image in both(20)]
    _, before, _, known = run(old, Memory())
    given = TEST if before["a/000"] != TEST else TRAIN
    moved = [replace(image, fixed=given) if image.group else image for image in old]
    _, after, left_out, _ = run(moved, known)
    assert not left_out
    assert {after[image.path] for image in old if image.group} == {given}
    assert all(after[image.path] == before[image.path] for image in old if not image.group)


def test_of_a_file_in_two_of_the_users_splits_the_one_in_the_images_old_split_stays():
    old = [replace(image, fixed=(TRAIN, VALIDATION, TEST)[int(image.path[2:]) % 3]) for image in both(20)]
    _, before, _, known = run(old, Memory())
    copy = claims.Image("a/copy", "a", "a0", "", TEST)
    _, after, left_out, _ = run([*old, copy], known)
    assert after == before and left_out == {"a/copy": "the same file as a/000 in the train split"}
    assert "a/000" in run([*old, copy], Memory())[2]
