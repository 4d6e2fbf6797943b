"""TensorFlow Serving's REST protocol: shapes as its documentation gives them."""

import pytest

from headstart.pipeline.serving import models
from tests.pipeline.serving import photos
from tests.pipeline.serving.server.conftest import MAX_BYTES, b64

PREDICT = "/v1/models/shapes:predict"
GOOD = photos.good()
BAD = photos.bad()


@pytest.fixture(scope="module")
def offline(folder):
    """What `headstart predict` says of the good images."""
    return dict(zip(GOOD, models.predict(folder, GOOD.values())))


def same(row, prediction):
    assert row["label"] == prediction.label
    assert dict(zip(row["labels"], row["probabilities"])) == pytest.approx(prediction.probabilities, abs=1e-6)


@pytest.mark.parametrize("kind", GOOD)
def test_every_format_that_import_takes_is_answered_as_offline(client, offline, kind):
    response = client.post(PREDICT, json={"instances": [{"b64": b64(GOOD[kind])}]})
    assert response.status_code == 200, response.text
    assert response.headers["X-Model-Version"] == "3"
    assert list(response.json()) == ["predictions"]
    (row,) = response.json()["predictions"]
    assert list(row) == ["label", "probabilities", "labels"]
    same(row, offline[kind])


@pytest.mark.parametrize("address", [PREDICT, "/v1/models/shapes/versions/3:predict"])
def test_rows_answer_in_order_named_or_not(client, offline, address):
    rows = [{"b64": b64(GOOD["PNG"])}, {"image": {"b64": b64(GOOD["rotated"])}}, {"b64": b64(GOOD["HEIC"])}]
    answer = client.post(address, json={"signature_name": "serving_default", "instances": rows}).json()
    for row, kind in zip(answer["predictions"], ("PNG", "rotated", "HEIC"), strict=True):
        same(row, offline[kind])


@pytest.mark.parametrize("named", [True, False])
def test_columns_answer_in_columns(client, offline, named):
    column = [{"b64": b64(GOOD["JPEG"])}, {"b64": b64(GOOD["WebP"])}]
    answer = client.post(PREDICT, json={"inputs": {"image": column} if named else column}).json()
    assert list(answer) == ["outputs"]
    assert list(answer["outputs"]) == ["label", "probabilities", "labels"]
    assert answer["outputs"]["label"] == [offline["JPEG"].label, offline["WebP"].label]
    for number, kind in enumerate(("JPEG", "WebP")):
        same({key: values[number] for key, values in answer["outputs"].items()}, offline[kind])


def test_base64_may_have_line_breaks_and_no_padding(client):
    data = GOOD["JPEG"]
    padded = b64(data + b"\0" * (1 + (-len(data)) % 3))  # so that its length is no multiple of three
    text = padded.rstrip("=")
    assert text != padded
    broken = "\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    assert client.post(PREDICT, json={"instances": [{"b64": broken}]}).status_code == 200


@pytest.mark.parametrize("address", ["/v1/models/shapes", "/v1/models/shapes/versions/3"])
def test_status_is_that_of_tensorflow_serving(client, address):
    fine = {"error_code": "OK", "error_message": ""}
    status = [{"version": "3", "state": "AVAILABLE", "status": fine}]
    assert client.get(address).json() == {"model_version_status": status}


@pytest.mark.parametrize("address", ["/v1/models/shapes/metadata", "/v1/models/shapes/versions/3/metadata"])
def test_metadata_has_the_signature(client, address):
    answer = client.get(address).json()
    assert answer["model_spec"] == {"name": "shapes", "signature_name": "", "version": "3"}
    signature = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"]["image"]["dtype"] == "DT_STRING"
    shape = {"dim": [{"size": "-1", "name": ""}, {"size": "3", "name": ""}], "unknown_rank": False}
    assert signature["outputs"]["probabilities"]["tensor_shape"] == shape


def refused(response, status):
    """An error of this status, as TensorFlow Serving shapes it: one sentence, nothing of the machine."""
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    sentence = response.json()["error"]
    assert 10 < len(sentence) < 300 and "\n" not in sentence
    assert not any(word in sentence for word in ("Traceback", ".py", "/tmp", "/home", "/root", "0x"))
    return sentence


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_image_is_refused_in_a_sentence_that_numbers_it(client, kind):
    rows = [{"b64": b64(GOOD["PNG"])}, {"b64": b64(BAD[kind])}]
    sentence = refused(client.post(PREDICT, json={"instances": rows}), 400)
    assert sentence.startswith("Image 2 of 2 cannot be used: ")


def test_a_bomb_is_refused_for_its_pixels(client):
    response = client.post(PREDICT, json={"instances": [{"b64": b64(BAD["bomb"])}]})
    assert "more than 179 million pixels" in refused(response, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1]",
        b"null",
        b'"text"',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"instances": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b"1" * 5_000,
        b"{}",
        b'{"instances": []}',
        b'{"instances": {}}',
        b'{"instances": null}',
        b'{"instances": "text"}',
        b'{"instances": [1]}',
        b'{"instances": [null]}',
        b'{"instances": ["text"]}',
        b'{"instances": [[{"b64": "AAAA"}]]}',
        b'{"instances": [{"b64": 7}]}',
        b'{"instances": [{"b64": "***"}]}',
        b'{"instances": [{"b64": "A"}]}',
        b'{"instances": [{"b64": "\\u00e9\\ud800"}]}',
        b'{"instances": [{"b64": ""}]}',
        b'{"instances": [{"image": {"b64": "AAAA"}, "more": 1}]}',
        b'{"instances": [{"picture": {"b64": "AAAA"}}]}',
        b'{"instances": [{"b64": "AAAA"}], "inputs": [{"b64": "AAAA"}]}',
        b'{"inputs": {"b64": "AAAA"}}',
        b'{"inputs": {"image": {"b64": "AAAA"}}}',
        b'{"inputs": {"other": [{"b64": "AAAA"}]}}',
        b'{"signature_name": "transform_features", "instances": [{"b64": "AAAA"}]}',
        b'{"signature_name": [], "instances": [{"b64": "AAAA"}]}',
    ],
)
def test_a_body_of_another_shape_is_refused(client, body):
    refused(client.post(PREDICT, content=body), 400)


@pytest.mark.parametrize(
    "address",
    [
        "/v1/models/other",
        "/v1/models/other/metadata",
        "/v1/models/shapes/versions/2",
        "/v1/models/shapes/versions/03",
        "/v1/models/shapes/versions/latest",
        "/v1/models/..%2f..%2fetc%2fpasswd",
        "/v1/models/shapes/versions/..%2f..%2f",
        "/v1/models/",
        "/v1",
        "/nothing",
    ],
)
def test_another_model_version_or_address_is_not_found(client, address):
    refused(client.get(address), 404)


def test_predicting_with_another_model_or_version_is_not_found(client):
    body = {"instances": [{"b64": b64(GOOD["PNG"])}]}
    for address in ("/v1/models/other:predict", "/v1/models/shapes/versions/4:predict"):
        refused(client.post(address, json=body), 404)


@pytest.mark.parametrize(
    "method, address",
    [
        ("GET", PREDICT),
        ("GET", "/v1/models/shapes/versions/3:predict"),
        ("PUT", PREDICT),
        ("DELETE", "/v1/models/shapes"),
        ("POST", "/v1/models/shapes"),
        ("POST", "/v1/models/shapes:classify"),
    ],
)
def test_another_method_is_refused(client, method, address):
    refused(client.request(method, address), 405)


def test_a_request_that_is_too_large_is_refused_declared_or_not(client):
    assert "larger than 0.2 MB" in refused(client.post(PREDICT, content=b"x" * (MAX_BYTES + 1)), 413)
    pieces = (b"x" * 1000 for _ in range(300))
    refused(client.post(PREDICT, content=pieces), 413)
    assert client.get("/readyz").status_code == 200
