"""Which images must stay together: those of one group (a person, a scene, a burst), and exact copies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def together(keys: Iterable[Sequence[str]]) -> list[str]:
    """The unit of each image: images that share a key, directly or through others, are of one unit.

    Args:
        keys: of each image, one or more; such as its content hash and its group.

    Returns:
        A name for each image, the same within a unit and different between units.
    """
    parent: dict[str, str] = {}

    def root(key: str) -> str:
        while parent.setdefault(key, key) != key:
            parent[key] = key = parent[parent[key]]
        return key

    found = [list(one) for one in keys]
    for first, *others in found:
        for key in others:
            parent[root(key)] = root(first)
    return [root(first) for first, *_ in found]


def keys_of(sha256: str, group: str) -> list[str]:
    """The keys of one image: its bytes and, where it has one, its group."""
    return [f"bytes {sha256}", *([f"group {group}"] if group else [])]
