"""One small classifier, and the application that serves it."""

from __future__ import annotations

import base64

import pytest
from fastapi.testclient import TestClient

from headstart.pipeline.serving.server.app import create_app
from headstart.pipeline.serving.server.engine import Engine
from headstart.pipeline.serving.server.watcher import load
from tests.pipeline import small_classifier

MAX_BYTES = 200_000


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Its SavedModel."""
    return small_classifier.save(tmp_path_factory.mktemp("small") / "3")


@pytest.fixture(scope="session")
def loaded(folder):
    """Version 3 of `shapes`, loaded."""
    return load(folder, 3)


@pytest.fixture
def engine(loaded):
    return Engine("shapes", loaded)


@pytest.fixture
def client(engine):
    """A client of the running application; what fails in it is an answer, as over HTTP."""
    with TestClient(create_app(engine, MAX_BYTES), raise_server_exceptions=False) as running:
        yield running


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
