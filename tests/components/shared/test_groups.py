"""Images that must stay together."""

from headstart.components.shared.groups import keys_of, together


def test_copies_and_groups_join_directly_and_through_others():
    units = together(
        [
            keys_of("a", ""),
            keys_of("b", "scene"),
            keys_of("a", "burst"),  # a copy of the first, in a burst
            keys_of("c", "burst"),
            keys_of("d", "scene"),
            keys_of("e", ""),
        ]
    )
    assert units[0] == units[2] == units[3]
    assert units[1] == units[4]
    assert len(set(units)) == 3
