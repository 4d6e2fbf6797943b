"""Adds a folder of images, or sees it refused."""

import io

from rich.console import Console

from headstart.pipeline.data import adding
from tests.pipeline.data.conftest import refused_with


def add(source, project):
    out = io.StringIO()
    count = adding.add_folder(source, project, Console(file=out, width=200))
    return count, out.getvalue()


def refused(source, project, *words):
    assert "importing-" not in refused_with(lambda: add(source, project), project, *words)
