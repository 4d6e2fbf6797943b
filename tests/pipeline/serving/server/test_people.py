"""Uploads, as `curl -F` makes them."""

import pytest

from headstart.pipeline.serving import models
from tests.pipeline.serving import photos
from tests.pipeline.serving.server.conftest import MAX_BYTES

GOOD = photos.good()


def test_an_upload_is_answered_with_label_version_and_probabilities_highest_first(client, folder):
    answer = client.post("/predict", files={"image": ("x.jpg", GOOD["JPEG"])}).json()
    (expected,) = models.predict(folder, [GOOD["JPEG"]])
    assert (answer["model"], answer["version"]) == ("shapes", "3")
    (row,) = answer["predictions"]
    assert row["label"] == expected.label == next(iter(row["probabilities"]))
    assert row["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
    assert list(row["probabilities"]) == list(expected.probabilities)


def test_several_files_are_answered_in_order(client, folder):
    kinds = ["PNG", "rotated", "CMYK", "WebP"]
    answer = client.post("/predict", files=[("image", (kind, GOOD[kind])) for kind in kinds]).json()
    expected = models.predict(folder, [GOOD[kind] for kind in kinds])
    for row, one in zip(answer["predictions"], expected, strict=True):
        assert row["probabilities"] == pytest.approx(one.probabilities, abs=1e-6)


@pytest.mark.parametrize("kind", photos.bad())
def test_a_bad_file_is_refused(client, kind):
    response = client.post("/predict", files={"image": ("../../etc/passwd", photos.bad()[kind])})
    assert response.status_code == 400
    assert response.json()["error"].startswith("The image cannot be used: ")
    assert "passwd" not in response.text


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"data": {"image": "text"}},
        {"content": b"raw bytes"},
        {"content": b"--x\r\nbroken", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"content": b"", "headers": {"content-type": "multipart/form-data"}},
        {"content": b"\0\1", "headers": {"content-type": "multipart/form-data; boundary="}},
        {"json": {"image": "text"}},
    ],
)
def test_an_upload_without_a_file_is_refused(client, sent):
    response = client.post("/predict", **sent)
    assert response.status_code == 400 and list(response.json()) == ["error"]


def test_an_upload_of_too_many_files_is_refused_for_their_number(client):
    response = client.post("/predict", files=[("image", ("x", b""))] * 1001)
    assert response.status_code == 400
    assert response.json()["error"].startswith("The upload cannot be read: too many files. ")
    assert "1000" in response.json()["error"]


def test_an_upload_without_a_boundary_is_refused_for_that(client):
    response = client.post("/predict", content=b"x", headers={"content-type": "multipart/form-data"})
    assert "boundary" in response.json()["error"]


def test_an_upload_that_is_too_large_is_refused(client):
    assert client.post("/predict", files={"image": b"x" * MAX_BYTES}).status_code == 413


def test_the_page_loads_nothing_from_elsewhere(client):
    response = client.get("/")
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "http://" not in response.text and "https://" not in response.text
