"""Which split an image has before any is drawn, and which image goes where two splits contradict each other.

The user's split overrules that of earlier runs for the image that carries it. It moves no other image.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from types import MappingProxyType

from headstart.components.shared.features import TEST, TRAIN, VALIDATION
from headstart.components.shared.groups import keys_of, together

MOST_HELD_OUT_FIRST = (TEST, VALIDATION, TRAIN, "")


@dataclass(frozen=True)
class Image:
    """What the split needs to know of an image."""

    path: str
    label: str
    sha256: str
    group: str = ""  # images of one group stay together
    fixed: str = ""  # the split that the user gave it, or ""


def drawn_key(sha256: str) -> str:
    """The key in the memory of an image that was drawn from the user's training split."""
    return f"drawn {sha256}"


def units(images: list[Image]) -> dict[str, list[Image]]:
    """Images that share a group or their bytes, directly or through others, by the unit's name."""
    ordered = sorted(images, key=lambda image: image.path)
    members: dict[str, list[Image]] = defaultdict(list)
    for image, unit in zip(ordered, together(keys_of(image.sha256, image.group) for image in ordered)):
        members[unit].append(image)
    return {_name(unit): unit for unit in members.values()}


def named(images: Iterable[Image]) -> set[str]:
    """The splits that the user gave to some image."""
    return {image.fixed for image in images if image.fixed}


def held(unit: list[Image], remembered: Mapping[str, str], names: Set[str]) -> str:
    """The split that a unit has because it has old images, or a group that was there; else "".

    Args:
        unit: as `reconcile` leaves it.
        remembered: the splits of earlier runs, by key.
        names: the splits that the user gave to some image.
    """
    found = {_own(image, remembered, names) for image in unit if _before(image, remembered)}
    if not found:
        groups = {remembered.get(key, "") for image in unit for key in keys_of(image.sha256, image.group)}
        found = {split for split in groups if split and all(_fits(image, split, names) for image in unit)}
    return min(found, key=MOST_HELD_OUT_FIRST.index, default="")


def remove_copies(
    images: list[Image], remembered: Mapping[str, str] = MappingProxyType({})
) -> tuple[list[Image], list[tuple[str, str]]]:
    """Leave out files whose bytes would let one image count twice in an unfair way.

    Copies under two labels all go, as nobody knows the right one. Of copies in two of the user's own splits,
    those stay that are where the image was before. Without such, those in the most held-out split stay: the
    test split keeps its size, the training split loses the leak.

    Args:
        images: all of them.
        remembered: the splits of earlier runs, by key.

    Returns:
        The images that stay, and (path, reason) of those that do not.
    """
    names = named(images)
    copies: dict[str, list[Image]] = defaultdict(list)
    for image in images:
        copies[image.sha256].append(image)

    def turn(image: Image) -> tuple[bool, int, str]:
        moved = _before(image, remembered) not in ("", _own(image, remembered, names))
        return moved, MOST_HELD_OUT_FIRST.index(image.fixed), image.path

    stay, left_out = [], []
    for same in copies.values():
        first = min(same, key=turn)
        for image in same:
            other = next((twin for twin in same if twin.label != image.label), None)
            if other:
                left_out.append((image.path, f"the same file as {other.path}, under another label"))
            elif image.fixed and first.fixed and image.fixed != first.fixed:
                left_out.append((image.path, f"the same file as {first.path} in the {first.fixed} split"))
            else:
                stay.append(image)
    return sorted(stay, key=lambda image: image.path), sorted(left_out)


def reconcile(
    images: list[Image], remembered: Mapping[str, str]
) -> tuple[list[Image], list[tuple[str, str]]]:
    """Leave out images that would tie together what lies in two splits, as no split would be right for them.

    An image that the user moved, or a new one, goes rather than one that stays where it was. Of old images
    that a new group ties together, those in the most held-out split stay.

    Args:
        images: as `remove_copies` leaves them.
        remembered: the splits of earlier runs, by key as `groups.keys_of` has it.

    Returns:
        The images that stay, and (path, reason) of those that do not.
    """
    names = named(images)
    stay: list[Image] = []
    left_out: list[tuple[str, str]] = []
    for unit in units(images).values():
        if not any(
            key in remembered for image in unit for key in keys_of(image.sha256, image.group)
        ):  # all is new: `assign` draws it, or refuses it
            stay += unit
            continue
        # By key. Where an old image stays, a copy with another split does not move it.
        claimed = {
            keys_of(image.sha256, "")[0]: _before(image, remembered)
            for image in unit
            if _turn(image, remembered, names) == _OLD
        }
        waiting = sorted(
            unit,
            key=lambda image: (
                _turn(image, remembered, names),
                MOST_HELD_OUT_FIRST.index(_own(image, remembered, names)),
                image.path,
            ),
        )
        while True:  # until nobody shares a key with those that have a split
            unknown = []
            for image in waiting:
                splits = sorted(_possible(image, claimed, remembered, names))
                if len(splits) > 1:
                    reason = f"its bytes and its group are in two splits, {splits[0]} and {splits[1]}"
                    left_out.append((image.path, reason))
                elif not splits:
                    unknown.append(image)
                elif _turn(image, remembered, names) == _GIVEN and not _fits(image, splits[0], names):
                    reason = f"its group or a copy of it is in the {splits[0]} split, not in {image.fixed}"
                    left_out.append((image.path, reason))
                else:
                    claimed.update(dict.fromkeys(keys_of(image.sha256, image.group), splits[0]))
                    stay.append(image)
            if len(unknown) == len(waiting):
                break
            waiting = unknown
        stay += waiting
    return sorted(stay, key=lambda image: image.path), sorted(left_out)


_OLD, _GIVEN, _NEW = range(3)  # who goes first


def _turn(image: Image, remembered: Mapping[str, str], names: Set[str]) -> int:
    own = _own(image, remembered, names)
    if own and own == _before(image, remembered):
        return _OLD
    return _GIVEN if own else _NEW


def _possible(
    image: Image, claimed: Mapping[str, str], remembered: Mapping[str, str], names: Set[str]
) -> set[str]:
    """The splits that an image should be in: none where nobody knows, several in a conflict."""
    keys, turn = keys_of(image.sha256, image.group), _turn(image, remembered, names)
    found = {claimed[key] for key in keys if key in claimed}
    # Nobody who is still here may be in the split that its group had: then the user's own split counts.
    group = {remembered[key] for key in keys[1:] if key in remembered and key not in claimed}
    if turn == _GIVEN:
        own = _own(image, remembered, names)
        return found or {split for split in group if _fits(image, split, names)} or {own}
    return found | group | ({_before(image, remembered)} if turn == _OLD else set())


def _before(image: Image, remembered: Mapping[str, str]) -> str:
    """The split that an image of these bytes had; "" for a new one."""
    return remembered.get(keys_of(image.sha256, "")[0], "")


def _own(image: Image, remembered: Mapping[str, str], names: Set[str]) -> str:
    """The split of an image if it were alone: where it was, unless the user moved it; "" if nobody knows."""
    before = _before(image, remembered)
    drawn = image.fixed == TRAIN and remembered.get(drawn_key(image.sha256)) == before
    return before if before and (drawn or _fits(image, before, names)) else image.fixed


def _fits(image: Image, split: str, names: Set[str]) -> bool:
    """Whether an image may be in a split. Those that the user names nowhere are drawn from `train`."""
    return image.fixed in ("", split) or (image.fixed == TRAIN and split not in names)


def _name(unit: list[Image]) -> str:
    return min((image.group for image in unit if image.group), default=unit[0].path)
