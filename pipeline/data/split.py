"""Which split each image belongs to, and the order of the training images that makes subsets nest.

What is drawn follows from hashes of seed and path, so that it is the same on every machine, in any order of
files. What was drawn before stands: images that join or leave move no other image.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from headstart.components.shared import subsets
from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import SPLITS, TEST, TRAIN, VALIDATION
from headstart.pipeline.data import claims
from headstart.pipeline.data.claims import Image


def half_up(value: float) -> int:
    """The nearest whole number, halves up; Python's own `round` takes 2.5 to 2."""
    return math.floor(value + 0.5)


def assign(
    images: list[Image],
    seed: int,
    validation: float,
    test: float,
    remembered: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """The split of every image, by path.

    Splits of earlier runs stand, and those that the user gave. A validation or test split that nobody gave
    is drawn from the rest, class by class, until it has its share of all images of the class, halves up, at
    least one. Copies and groups stay together.

    Args:
        images: as `claims.reconcile` leaves them.
        seed: another one draws other splits.
        validation: the share of the validation split.
        test: the share of the test split.
        remembered: the splits of earlier runs, by key as `groups.keys_of` has it.

    Raises:
        HeadstartError: a group is in two of the user's splits, or a class has no image for one of the splits.
    """
    units = claims.units(images)
    named = claims.named(images)
    splits: dict[str, str] = {}
    old, given_by_user = set(), set()
    for name, unit in units.items():
        given = sorted(claims.named(unit))
        if known := claims.held(unit, remembered, named):
            old.add(name)
        elif len(given) > 1:
            one, other = (next(image.path for image in unit if image.fixed == split) for split in given[:2])
            raise HeadstartError(
                f"The group '{name}' of metadata.csv is in two splits, {given[0]} ({one}) and {given[1]} "
                f"({other}): move its images into one, or take them out of the group."
            )
        elif given:
            given_by_user.add(name)
        splits.update({image.path: known or [*given, TRAIN][0] for image in unit})
    totals = Counter(image.label for image in images)
    pool = sorted(
        (name for name, unit in units.items() if splits[unit[0].path] == TRAIN and name not in old),
        key=lambda name: _hash(seed, name),
    )
    # Test is drawn from one end and validation from the other, so that a new image pushes few over the edges.
    for split, share, order in ((TEST, test, pool), (VALIDATION, validation, pool[::-1])):
        before = [units[name] for name in old if splits[units[name][0].path] == split]
        drawn_before = any(split not in claims.named(unit) for unit in before)
        if split in named and not drawn_before:
            continue
        free = [
            units[name]
            for name in order
            if splits[units[name][0].path] == TRAIN and not (split in named and name in given_by_user)
        ]
        held = Counter(image.label for image in images if splits[image.path] == split)
        kept = {image.label for name in old for image in units[name] if splits[image.path] == TRAIN}
        wanted = {label: max(1, half_up(share * total)) for label, total in totals.items()}
        for unit in _draw(free, wanted, held, kept):
            splits.update({image.path: split for image in unit})
    _check(images, units, splits, bool(remembered))
    return splits


def ranks(training: list[Image], seed: int) -> dict[str, int]:
    """The order of the training images, 0 first, by path; any prefix keeps the classes' shares."""
    return subsets.order(((image.path, image.label) for image in training), seed)


def subset_size(fraction: float, images: int, classes: int) -> int:
    """How many training images a subset has: `fraction` of them, halves up, at least one of every class."""
    return min(images, max(classes, half_up(fraction * images)))


def group_names(images: list[Image]) -> dict[str, str]:
    """The group of every image, by path: images that share a group or their bytes have the same one."""
    return {image.path: name for name, unit in claims.units(images).items() for image in unit}


def groups_of(rows: Iterable[Mapping[str, str]]) -> list[str]:
    """The group of every image, as `group_names` has it, in the order of the manifest's rows."""
    images = [Image(row["path"], row["label"], row["sha256"], row.get("group", "")) for row in rows]
    names = group_names(images)
    return [names[image.path] for image in images]


def _hash(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}/{name}".encode()).hexdigest()


def _draw(
    free: list[list[Image]], wanted: dict[str, int], held: Counter[str], kept: set[str]
) -> list[list[Image]]:
    """Take units in order while each brings the classes' counts nearer to what is wanted.

    A class that would go without, as all of its units are too large, gets the smallest of them.

    Args:
        free: the units to take from.
        wanted: images of each class.
        held: images of each class that the split has already.
        kept: classes of which the training split has an image, whatever is taken.
    """
    missing = Counter(wanted)
    missing.subtract(held)
    drawn: list[list[Image]] = []

    def take(unit: list[Image]) -> None:
        drawn.append(unit)
        missing.subtract(image.label for image in unit)

    for unit in free:
        labels = Counter(image.label for image in unit)
        gain = sum(abs(missing[label]) - abs(missing[label] - count) for label, count in labels.items())
        if gain > 0:
            take(unit)
    for label in sorted(wanted):
        if not held[label] and not any(image.label == label for unit in drawn for image in unit):
            having = [unit for unit in free if any(image.label == label for image in unit)]
            if len(having) > 1 or (having and label in kept):
                take(min(having, key=len))
    return drawn


def _check(images: list[Image], units: dict[str, list[Image]], splits: dict[str, str], old: bool) -> None:
    present = {(image.label, splits[image.path]) for image in images}
    for label in sorted({image.label for image in images}):
        lacking = [split for split in SPLITS if (label, split) not in present]
        if not lacking:
            continue
        count = sum(image.label == label for image in images)
        apart = sum(any(image.label == label for image in unit) for unit in units.values())
        together = f" in {apart} groups or sets of copies that stay together" if apart < count else ""
        anew = ", or draw all splits anew with another prepare.seed" if old and apart >= len(SPLITS) else ""
        raise HeadstartError(
            f"The class '{label}' has {count} image{'s' * (count != 1)}{together} and none for the "
            f"{' and '.join(lacking)} split, and each of {', '.join(SPLITS)} needs one: add images or "
            f"remove its folder{anew}."
        )
