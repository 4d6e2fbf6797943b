"""With several processes, the tests of a file stay in one. The stories share one project and start first."""

import pytest

_STORIES = "tests/stories"


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.nodeid.startswith(_STORIES))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return _STORIES if nodeid.startswith(_STORIES) else nodeid.partition("::")[0]

    return ByFile(config, log)
