"""The Open Inference Protocol V2 over HTTP."""

import pytest

from headstart.pipeline.serving import models
from tests.pipeline.serving import photos
from tests.pipeline.serving.server.conftest import b64

GOOD = photos.good()
INFER = "/v2/models/shapes/infer"


def tensor(*data, **changed):
    return {"name": "image", "shape": [len(data)], "datatype": "BYTES", "data": list(data), **changed}


def test_the_server_is_live_and_ready_and_names_itself(client):
    assert client.get("/v2/health/live").json() == {"live": True}
    assert client.get("/v2/health/ready").json() == {"ready": True}
    assert client.get("/v2").json()["name"] == "headstart"


@pytest.mark.parametrize("address", ["/v2/models/shapes", "/v2/models/shapes/versions/3"])
def test_the_model_is_ready_and_described(client, address):
    assert client.get(f"{address}/ready").json() == {"name": "shapes", "ready": True}
    described = client.get(address).json()
    assert described["versions"] == ["3"]
    assert described["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [-1]}]
    assert [one["name"] for one in described["outputs"]] == ["label", "probabilities", "labels"]


@pytest.mark.parametrize("address", [INFER, "/v2/models/shapes/versions/3/infer"])
def test_images_are_answered_as_offline(client, folder, address):
    files = [GOOD["JPEG"], GOOD["HEIC"]]
    body = {"id": "seven", "inputs": [tensor(*map(b64, files))]}
    answer = client.post(address, json=body).json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("shapes", "3", "seven")
    outputs = {one["name"]: one for one in answer["outputs"]}
    expected = list(models.predict(folder, files))
    assert outputs["label"]["data"] == [one.label for one in expected]
    assert outputs["label"]["shape"] == [2] and outputs["probabilities"]["shape"] == [2, 3]
    assert outputs["probabilities"]["datatype"] == "FP32"
    for number, one in enumerate(expected):
        names, values = (outputs[key]["data"][3 * number :][:3] for key in ("labels", "probabilities"))
        assert dict(zip(names, values)) == pytest.approx(one.probabilities, abs=1e-6)


def test_only_the_outputs_that_are_wanted_come_back(client):
    body = {"inputs": [tensor(b64(GOOD["PNG"]))], "outputs": [{"name": "label"}]}
    assert [one["name"] for one in client.post(INFER, json=body).json()["outputs"]] == ["label"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"inputs": []},
        {"inputs": "text"},
        {"inputs": [1]},
        {"inputs": [tensor("AAAA"), tensor("AAAA")]},
        {"inputs": [tensor("AAAA", name="other")]},
        {"inputs": [tensor("AAAA", datatype="FP32")]},
        {"inputs": [tensor("AAAA", shape=[2])]},
        {"inputs": [tensor("AAAA", shape=[1, 1])]},
        {"inputs": [tensor("AAAA", shape="1")]},
        {"inputs": [tensor()]},
        {"inputs": [tensor(7)]},
        {"inputs": [tensor("***")]},
        {"inputs": [tensor("AAAA")]},
        {"inputs": [tensor("AAAA")], "id": 7},
        {"inputs": [tensor("AAAA")], "outputs": [{"name": "other"}]},
        {"inputs": [tensor("AAAA")], "outputs": [{"name": []}]},
        {"inputs": [tensor("AAAA")], "outputs": "label"},
    ],
)
def test_what_is_no_request_of_this_protocol_is_refused(client, body):
    response = client.post(INFER, json=body)
    assert response.status_code == 400 and list(response.json()) == ["error"]


@pytest.mark.parametrize(
    "address", ["/v2/models/other", "/v2/models/other/ready", "/v2/models/shapes/versions/9/ready"]
)
def test_another_model_or_version_is_not_found(client, address):
    assert client.get(address).status_code == 404
