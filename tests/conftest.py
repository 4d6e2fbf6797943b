"""Tests of a file stay in one process. The stories share one built project, take longest, and start first."""

import pytest

STORIES = "stories"


def pytest_collection_modifyitems(items):
    for item in items:
        story = item.path.parent.name == STORIES  # all share one built project
        item.add_marker(pytest.mark.xdist_group(STORIES if story else str(item.path)))
    items.sort(key=lambda item: item.path.parent.name != STORIES)
