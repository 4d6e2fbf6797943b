"""Adds a folder of images, or sees it refused."""

import io

import pytest
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import adding
from tests.pipeline.data.conftest import contents


def add(source, project):
    out = io.StringIO()
    count = adding.add_folder(source, project, Console(file=out, width=200))
    return count, out.getvalue()


def refused(source, project, *words):
    before = contents(project)
    with pytest.raises(HeadstartError) as caught:
        add(source, project)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value) and "importing-" not in str(caught.value)
    assert contents(project) == before and not list(project.glob("data.*-*"))
