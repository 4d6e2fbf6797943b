"""No small request takes much memory or time: the limits hold in all three protocols."""

import json
import tracemalloc

import pytest

from headstart.pipeline.serving.server import bodies
from headstart.pipeline.serving.server.engine import BATCH, RefusedError
from tests.pipeline.serving import photos
from tests.pipeline.serving.server import conftest

GOOD = photos.good()["GIF"]


def rows(images):
    content = {"instances": [{"b64": conftest.b64(image)} for image in images]}
    return {"url": "/v1/models/shapes:predict", "content": json.dumps(content)}


def columns(images):
    content = {"inputs": {"image": [{"b64": conftest.b64(image)} for image in images]}}
    return {"url": "/v1/models/shapes:predict", "content": json.dumps(content)}


def tensor(images):
    data = [conftest.b64(image) for image in images]
    named = {"name": "image", "shape": [len(data)], "datatype": "BYTES", "data": data}
    return {"url": "/v2/models/shapes/infer", "content": json.dumps({"inputs": [named]})}


def upload(images):
    return {"url": "/predict", "files": [("image", ("x", image)) for image in images]}


PROTOCOLS = pytest.mark.parametrize("request_of", [rows, columns, tensor, upload])


@PROTOCOLS
def test_too_many_images_are_refused_before_one_is_opened(client, engine, request_of):
    response = client.post(**request_of([b""] * 1001))
    assert response.status_code == 400
    assert "1000" in response.json()["error"] and "cannot be used" not in response.json()["error"]
    assert engine.metrics.refused._value.get() == 0


@PROTOCOLS
def test_images_behind_a_bad_one_are_not_opened(client, engine, request_of):
    response = client.post(**request_of([b""] * 500))
    assert response.status_code == 400
    assert response.json()["error"].startswith("Image 1 of 500 cannot be used: ")
    assert engine.metrics.refused._value.get() <= BATCH


@PROTOCOLS
def test_a_request_of_more_images_than_a_batch_has_an_answer_for_each(client, engine, request_of):
    assert client.post(**request_of([GOOD] * (2 * BATCH + 1))).status_code == 200
    assert engine.metrics.images._value.get() == 2 * BATCH + 1


def test_of_more_images_than_a_batch_the_first_bad_one_is_numbered(client):
    response = client.post(**rows([GOOD] * BATCH + [b"", b"text"]))
    assert response.json()["error"] == f"Image {BATCH + 1} of {BATCH + 2} cannot be used: the file is empty."


@pytest.mark.parametrize(
    "body", [b'{"instances": [%s{}]}' % (b"{}," * 20_000), b'{"inputs": [%s1]}' % (b"1," * 20_000)]
)
@pytest.mark.parametrize("address", ["/v1/models/shapes:predict", "/v2/models/shapes/infer"])
def test_json_of_many_values_is_refused_before_it_is_parsed(client, monkeypatch, address, body):
    monkeypatch.setattr(bodies, "json", None)
    response = client.post(address, content=body)
    assert response.status_code == 400
    assert response.json()["error"].startswith("The body has too many values: ")


@pytest.mark.parametrize(
    "body, reason",
    [
        (b"", "it is empty"),
        (b"\xff{}", "it is not UTF-8"),
        (b"{", "Expecting property name enclosed in double quotes"),
    ],
)
def test_a_body_that_is_no_json_is_refused_for_its_own_reason(body, reason):
    with pytest.raises(RefusedError, match=f"^The body is not JSON: {reason}"):
        bodies.json_object(body)


def test_an_integer_that_is_too_long_is_refused_for_its_length(monkeypatch):
    def fails(_):  # as Python does it since 3.10.7
        raise ValueError("Exceeds the limit (4300) for integer string conversion: value has 5000 digits")

    monkeypatch.setattr(json, "loads", fails)
    with pytest.raises(RefusedError, match="^The body is not JSON: it has an integer that is too long"):
        bodies.json_object(b"9" * 5000)


def test_base64_with_many_breaks_takes_no_more_memory_than_a_few_copies():
    text = "ab " * 300_000
    tracemalloc.start()
    try:
        assert len(bodies.from_base64(text, "Image 1")) == 450_000
        assert tracemalloc.get_traced_memory()[1] < 4 * len(text)
    finally:
        tracemalloc.stop()
