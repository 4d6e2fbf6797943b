"""Data that grows and shrinks: no old image changes its split."""

import dataclasses
import random
from collections import Counter, defaultdict

import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import SPLITS, TEST, TRAIN, VALIDATION
from headstart.pipeline.data import claims, memory, split
from headstart.pipeline.data.memory import Memory

SHARES = {VALIDATION: 0.15, TEST: 0.15}


def run(images, known):
    """One run of `prepare` on images: their splits, what was left out, what is known afterwards."""
    stay, copies = claims.remove_copies(images, known.splits)
    stay, torn = claims.reconcile(stay, known.splits)
    splits = split.assign(stay, 1, SHARES[VALIDATION], SHARES[TEST], known.splits)
    return stay, splits, dict([*copies, *torn]), known.with_images(stay, splits, accept=False)


def images(count, label="a", first=0, **columns):
    return [
        claims.Image(f"{label}/{n:03}", label, f"{label}{n}", **columns) for n in range(first, first + count)
    ]


def both(count, **columns):
    return images(count, "a", **columns) + images(count, "b", **columns)


class Folder:
    """A data folder that a seeded person changes: images, copies, groups, classes come and go."""

    def __init__(self, seed, divided):
        self.random = random.Random(seed)
        self.fixed = ["", "", "", TRAIN, TRAIN, VALIDATION, TEST] if divided else [""]
        self.images = {}
        self.gone = []
        self.number = 0

    def change(self):
        before = dict(self.images)
        act = self.random.choice([self.add, self.add, self.add, self.remove, self.copy, self.bring_back,
                                  self.regroup, self.add_class, self.remove_class, self.move])  # fmt: skip
        act()
        self.gone += [image for path, image in before.items() if path not in self.images]
        return before

    def labels(self):
        return sorted({image.label for image in self.images.values()})

    def put(self, label, sha256="", group=""):
        self.number += 1
        path = f"{label}/{self.number:05}"
        fixed = self.random.choice(self.fixed)
        self.images[path] = claims.Image(path, label, sha256 or f"bytes{self.number}", group, fixed)

    def add(self):
        for _ in range(self.random.randint(1, 30)):
            group = f"g{self.random.randint(0, 80)}" if self.random.random() < 0.3 else ""
            self.put(self.random.choice(self.labels()), group=group)

    def remove(self):
        for path in self.random.sample(
            sorted(self.images), min(len(self.images), self.random.randint(1, 25))
        ):
            del self.images[path]

    def copy(self):
        for _ in range(self.random.randint(1, 4)):
            twin = self.random.choice([*self.images.values(), *self.gone[-50:]])
            group = self.random.choice([twin.group, f"g{self.random.randint(0, 80)}", ""])
            label = self.random.choice(self.labels()) if self.random.random() < 0.1 else twin.label
            self.put(label, twin.sha256, group)

    def bring_back(self):
        for image in self.random.sample(self.gone, min(len(self.gone), 10)):
            if image.label in self.labels():
                self.images[image.path] = image

    def regroup(self):
        for path in self.random.sample(sorted(self.images), min(len(self.images), 3)):
            group = f"g{self.random.randint(0, 80)}"
            self.images[path] = dataclasses.replace(self.images[path], group=group)

    def move(self):
        for path in self.random.sample(sorted(self.images), min(len(self.images), 3)):
            fixed = self.random.choice(self.fixed)
            self.images[path] = dataclasses.replace(self.images[path], fixed=fixed)

    def add_class(self):
        if len(self.labels()) < 8:
            label = f"class{self.number}"
            for _ in range(self.random.randint(2, 40)):
                self.put(label)

    def remove_class(self):
        if len(self.labels()) > 3:
            label = self.random.choice(self.labels())
            self.images = {path: image for path, image in self.images.items() if image.label != label}

    def files_of(self, sha256):
        """The files with these bytes, and the split that the user gave each."""
        return {(image.path, image.fixed) for image in self.images.values() if image.sha256 == sha256}


@pytest.mark.parametrize("divided", [False, True], ids=["all drawn", "some splits by the user"])
@pytest.mark.parametrize("seed", range(3))
def test_in_200_random_changes_no_old_image_changes_its_split(seed, divided):
    folder = Folder(seed, divided)
    for label in ("cat", "dog", "owl"):
        for _ in range(60):
            folder.put(label)
    last = {}  # of each content the split, and its files
    known, refused = Memory(), 0
    for _ in range(200):
        before = folder.change()
        try:
            stay, splits, left_out, known = run(list(folder.images.values()), known)
        except HeadstartError as error:
            assert "none for the" in str(error) and "add images or" in str(error) or divided
            folder.images, refused = before, refused + 1
            continue
        assert {image.path for image in stay} | set(left_out) == set(folder.images)
        groups = defaultdict(set)
        for image in stay:
            now = (splits[image.path], folder.files_of(image.sha256))
            split_before, files_before = last.get(image.sha256, now)
            if split_before != now[0]:
                assert image.fixed == now[0] and files_before != now[1], "only the user's hand moves an image"
            assert image.fixed in ("", TRAIN, now[0])
            for key in (image.sha256, image.group or image.path):
                groups[key].add(now[0])
        assert all(len(found) == 1 for found in groups.values())
        last |= {image.sha256: (splits[image.path], folder.files_of(image.sha256)) for image in stay}
        present = {(image.label, splits[image.path]) for image in stay}
        assert present == {(label, name) for label in {image.label for image in stay} for name in SPLITS}
        counts = Counter(splits.values())
        for name, share in SHARES.items():
            assert abs(counts[name] / len(stay) - share) < 0.04 or divided
    assert refused < 40 and len(last) > 1000


def test_without_a_memory_the_splits_are_those_that_they_always_were():
    splits = split.assign(both(20), 1, 0.15, 0.15)
    drawn = {name: [path for path in sorted(splits) if splits[path] == name] for name in (TEST, VALIDATION)}
    assert drawn == {
        TEST: ["a/000", "a/009", "a/017", "b/004", "b/005", "b/016"],
        VALIDATION: ["a/004", "a/007", "a/008", "b/000", "b/006", "b/011"],
    }


def test_new_images_are_drawn_until_the_splits_have_their_shares():
    _, _, _, known = run(both(20), Memory())
    _, splits, _, _ = run(both(40), known)
    assert Counter((path[0], name) for path, name in splits.items()) == {
        (label, name): count for label in "ab" for name, count in ((TRAIN, 28), (VALIDATION, 6), (TEST, 6))
    }


def test_an_image_that_was_removed_and_comes_back_has_its_old_split():
    _, before, _, known = run(both(20), Memory())
    rest = [image for image in both(20) if before[image.path] == TRAIN or image.path.endswith("1")]
    with pytest.raises(HeadstartError, match="another prepare.seed"):
        run([image for image in rest if before[image.path] == TRAIN], known)
    _, after, _, _ = run(both(30), known)
    assert {path: after[path] for path in before} == before


@pytest.mark.parametrize("count, offered", [(2, False), (3, True)])
def test_another_seed_is_offered_only_where_it_can_help(count, offered):
    _, before, _, known = run(both(20), Memory())
    lone = [image for image in images(20, "b") if before[image.path] == TRAIN][:count]
    with pytest.raises(HeadstartError, match="none for the validation and test") as caught:
        run([*images(20, "a"), *lone], known)
    assert ("another prepare.seed" in str(caught.value)) is offered


def test_new_images_of_an_old_group_and_new_copies_of_an_old_image_join_it():
    old = [*both(20), *images(2, "a", 100, group="anna")]
    _, before, _, known = run(old, Memory())
    test = next(image for image in old if before[image.path] == TEST)
    copy = claims.Image("a/copy", test.label, test.sha256)
    _, after, _, _ = run([*both(20), *images(2, "a", 200, group="anna"), copy], known)
    assert after["a/200"] == after["a/201"] == before["a/100"], "although the old images of anna are gone"
    assert after["a/copy"] == TEST


def test_a_new_image_that_would_tie_two_splits_together_is_left_out_with_the_reason():
    old = both(20)
    _, before, _, known = run(old, Memory())
    test = next(image for image in old if before[image.path] == TEST)
    train = claims.Image("a/new", "a", "anna's", "anna")
    _, before, _, known = run([*old, train], Memory("", {**known.splits, "group anna": TRAIN}))
    bridge = claims.Image("a/bridge", test.label, test.sha256, "anna")
    stay, after, left_out, _ = run([*old, train, bridge], known)
    assert left_out == {"a/bridge": "its bytes and its group are in two splits, test and train"}
    assert after == before


def test_old_images_of_two_splits_that_get_one_group_stay_where_most_is_held_out():
    old = both(20)
    _, before, _, known = run(old, Memory())
    grouped = [claims.Image(image.path, image.label, image.sha256, image.label) for image in old[:20]] + old[
        20:
    ]
    stay, left_out = claims.reconcile(grouped, known.splits)
    assert len(left_out) == 17
    assert {before[image.path] for image in stay if image.label == "a"} == {TEST}


def test_a_split_that_the_user_gives_wins_and_is_remembered():
    old = both(20)
    _, before, _, known = run(old, Memory())
    moved = next(image for image in old if before[image.path] == TRAIN)
    fixed = [claims.Image(i.path, i.label, i.sha256, "", TEST if i is moved else "") for i in old]
    _, after, _, known = run(fixed, known)
    assert after == {**before, moved.path: TEST}
    assert run(old, known)[1] == after
    more = [*fixed, *images(40, "a", 100)]
    drawn = run(more, known)[1]
    assert sum(name == TEST for path, name in drawn.items() if path[0] == "a") == 9, "test is drawn as before"


def test_validation_that_was_drawn_from_the_users_training_folder_stays():
    fixed = [
        claims.Image(i.path, i.label, i.sha256, "", TEST if i.path[2:] < "004" else TRAIN) for i in both(20)
    ]
    _, before, _, known = run(fixed, Memory())
    more = [*fixed, *images(20, "a", 100, fixed=TRAIN)]
    after = run(more, known)[1]
    assert {path: after[path] for path in before} == before
    counts = Counter(name for path, name in after.items() if path[0] == "a")
    assert counts == {TRAIN: 30, VALIDATION: 6, TEST: 4}, (
        "and no training image of the user's becomes a test image"
    )


def test_the_file_holds_all_that_is_known(tmp_path):
    members = both(20, group="g\n1,")[:1] + both(20)[1:]
    _, _, _, known = run(members, Memory("dataset pets, seed 1"))
    known = known.with_images(members[:3], dict.fromkeys((image.path for image in members), TRAIN), True)
    (tmp_path / "splits.csv").write_bytes(known.encoded())
    assert memory.read(tmp_path / "splits.csv") == known
    assert known.is_accepted(members[0]) and not known.is_accepted(members[10])
    assert memory.read(tmp_path / "absent.csv") == Memory()


@pytest.mark.parametrize("order", [("train", "test"), ("test", "train")])
def test_of_two_lines_for_one_image_the_most_held_out_split_counts(tmp_path, order):
    rows = "".join(f"bytes 1,{name},\n" for name in order)
    (tmp_path / "splits.csv").write_text(f"# drawn with: x\nkey,split,accepted\n{rows}")
    assert memory.read(tmp_path / "splits.csv").splits == {"bytes 1": TEST}


@pytest.mark.parametrize(
    "text", ["", "key,split\n", "# drawn with: x\nkey,split,accepted\n<<<<<<< HEAD\nbytes 1,train,\n"]
)
def test_a_damaged_file_is_refused_and_not_taken_for_a_first_run(tmp_path, text):
    (tmp_path / "splits.csv").write_text(text)
    with pytest.raises(HeadstartError, match="git checkout splits.csv"):
        memory.read(tmp_path / "splits.csv")
