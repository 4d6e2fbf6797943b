"""Health, metrics, and what fails inside the server."""

import re

import pytest
from fastapi.testclient import TestClient

from headstart.pipeline.serving.server.app import create_app
from headstart.pipeline.serving.server.engine import Engine
from tests.pipeline.serving import photos
from tests.pipeline.serving.server.conftest import b64


def test_a_server_with_a_model_is_alive_and_ready(client):
    assert client.get("/healthz").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready", "model": "shapes", "version": "3"}


def test_a_server_without_a_model_is_alive_and_not_ready():
    with TestClient(create_app(Engine("shapes", None), 1000)) as client:
        assert client.get("/healthz").status_code == 200
        for address in ("/readyz", "/v2/health/ready", "/v1/models/shapes"):
            assert client.get(address).status_code == 503


def _figure(text, name):
    (value,) = re.findall(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(value)


def test_metrics_count_requests_images_batches_and_the_version(client):
    good, bad = b64(photos.good()["PNG"]), b64(b"text")
    predict = "/v1/models/shapes:predict"
    client.post(predict, json={"instances": [{"b64": good}] * 3})
    client.post(predict, json={"instances": [{"b64": bad}]})
    client.get("/any/../address")
    text = client.get("/metrics").text
    route = 'route="/v1/models/{name}:predict"'
    assert _figure(text, f'headstart_requests_total{{code="200",method="POST",{route}}}') == 1
    assert _figure(text, f'headstart_requests_total{{code="400",method="POST",{route}}}') == 1
    assert _figure(text, 'headstart_requests_total{code="404",method="GET",route="none"}') == 1
    assert _figure(text, f"headstart_request_seconds_count{{{route}}}") == 2
    assert _figure(text, "headstart_images_total") == 3
    assert _figure(text, "headstart_images_refused_total") == 1
    assert _figure(text, "headstart_batch_images_sum") == 3
    assert _figure(text, 'headstart_model_version{model="shapes"}') == 3


def test_a_failure_of_the_server_itself_says_nothing_of_its_inside(client, engine, monkeypatch):
    def fails(*_):
        raise RuntimeError("in /some/folder")

    monkeypatch.setattr(engine, "answer", fails)
    response = client.post("/predict", files={"image": photos.good()["PNG"]})
    assert response.status_code == 500
    assert response.json() == {"error": "The server failed on this request; its log has the reason."}


@pytest.mark.parametrize("address", ["/docs", "/redoc", "/openapi.json"])
def test_pages_that_load_scripts_from_elsewhere_are_not_there(client, address):
    assert client.get(address).status_code == 404
