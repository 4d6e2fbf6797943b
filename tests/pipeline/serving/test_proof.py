"""The proof of parity: a real server on the candidate, asked as a client asks."""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headstart.pipeline.serving import models, proof
from headstart.pipeline.serving.proof import Expected, prove
from tests.pipeline import small_classifier
from tests.pipeline.serving import photos

ROOT = Path(__file__).parents[3]
ENOUGH = 60_000.0  # milliseconds: these tests are not about speed


@pytest.fixture(scope="module")
def candidate(tmp_path_factory):
    return small_classifier.save(tmp_path_factory.mktemp("candidate") / "model")


@pytest.fixture(scope="module")
def recorded(candidate, tmp_path_factory):
    """Test images of all formats, and what was recorded of them."""
    folder = tmp_path_factory.mktemp("test images")
    files = []
    for seed in range(3):
        for kind, data in photos.good(seed).items():
            files.append(folder / f"{kind} {seed}")
            files[-1].write_bytes(data)
    answers = models.predict(candidate, (file.read_bytes() for file in files))
    return [
        Expected(file, one.label, one.probabilities[one.label])
        for file, one in zip(files, answers, strict=True)
    ]


@pytest.mark.slow
def test_a_candidate_that_answers_as_recorded_passes(candidate, recorded, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    found = prove(candidate, recorded, ENOUGH)
    assert found.failures == []
    assert found.images == len(recorded) == 3 * len(photos.good())
    assert found.largest_difference < 1e-5
    assert 0 < found.p50_ms <= found.p99_ms
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_another_model_than_the_recorded_one_fails_on_labels_probabilities_and_latency(recorded, tmp_path):
    found = prove(small_classifier.save(tmp_path / "other", seed=1), recorded, max_latency_ms=0.001)
    text = " ".join(found.failures)
    assert "got another label than recorded (" in text and "differs by more than 0.0001 (" in text
    assert "over the limit of 0.001 ms" in text
    assert found.largest_difference > 0.01


@pytest.mark.slow
def test_a_broken_export_and_a_folder_that_is_none_fail_with_their_reason(candidate, recorded, tmp_path):
    broken = shutil.copytree(candidate, tmp_path / "broken")
    for file in (broken / "variables").iterdir():
        file.write_bytes(b"")
    (broken / "saved_model.pb").write_bytes(b"no graph")
    for folder in (broken, tmp_path / "nowhere"):
        found = prove(folder, recorded[:1], ENOUGH)
        (failure,) = found.failures
        assert failure.startswith("The candidate could not be served: ")
        assert folder.name in failure and "cannot be served (" in failure


@pytest.mark.slow
def test_a_server_that_is_not_ready_in_time_is_a_failure_and_is_stopped(candidate, recorded, monkeypatch):
    started = []
    popen = proof.subprocess.Popen
    monkeypatch.setattr(
        proof.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[0]
    )
    monkeypatch.setattr(proof, "_READY", 0.2)
    (failure,) = prove(candidate, recorded, ENOUGH).failures
    assert "was not ready after 0 seconds" in failure
    assert started[0].poll() is not None


PROVING = """
import sys, time
from pathlib import Path
from headstart.pipeline.serving.proof import _server
with _server(Path(sys.argv[1]), 32) as (host, port):
    print(port, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_the_server_ends_with_a_proof_that_is_killed(candidate):
    command = [sys.executable, "-c", PROVING, str(candidate)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as proving:
        port = int(proving.stdout.readline())
        socket.create_connection(("127.0.0.1", port)).close()
        proving.kill()
    with pytest.raises(ConnectionRefusedError):
        for _ in range(300):
            socket.create_connection(("127.0.0.1", port)).close()
            time.sleep(0.1)


def reply(label="a", milliseconds=5.0, error="", **probabilities):
    return proof._Reply(milliseconds, probabilities, label, error)


def expected(tmp_path, label, probability):
    return Expected(tmp_path / "cat/1.jpg", label, probability)


@pytest.mark.slow
def test_a_test_image_that_is_gone_is_named(candidate, recorded, tmp_path):
    (failure,) = prove(candidate, [*recorded[:2], expected(tmp_path, "circle", 0.5)], ENOUGH).failures
    assert failure.startswith("1 of 3 test images got no answer (cat/1.jpg: FileNotFoundError")


def test_another_label_passes_where_the_two_tie(tmp_path):
    tie = [expected(tmp_path, "b", 0.49999)]
    assert proof._judge(tie, [reply("a", a=0.50001, b=0.49999)], 10).failures == []
    (failure,) = proof._judge(tie, [reply("a", a=0.50011, b=0.49999)], 10).failures
    assert failure == "1 of 1 test images got another label than recorded (cat/1.jpg: a instead of b)."


def test_a_probability_that_is_no_number_fails(tmp_path):
    found = proof._judge([expected(tmp_path, "a", 0.5)], [reply("a", a=float("nan"))], 10)
    assert "instead of 0.5000" in found.failures[0]


def test_an_image_without_an_answer_and_an_unknown_label_fail(tmp_path):
    asked = [expected(tmp_path, "a", 0.5), expected(tmp_path, "z", 0.5)]
    found = proof._judge(asked, [reply(error="The image cannot be used: damaged"), reply(a=0.5, b=0.5)], 10)
    assert "got no answer (cat/1.jpg: The image cannot be used: damaged)" in found.failures[0]
    assert "does not know (cat/1.jpg: z)" in found.failures[1]


def test_only_the_first_few_images_are_named_and_all_are_counted(tmp_path):
    asked = [expected(tmp_path, "a", 0.5)] * 9
    (failure,) = proof._judge(asked, [reply(a=0.7, b=0.3)] * 9, 10).failures
    assert failure.startswith("9 of 9 test images") and failure.count("0.7000") == 3 and ", …" in failure


def test_latency_over_the_limit_fails(tmp_path):
    asked = [expected(tmp_path, "a", 0.5)] * 4
    replies = [reply(a=0.5, b=0.5, milliseconds=ms) for ms in (5, 5, 5, 50)]
    (failure,) = proof._judge(asked, replies, 20).failures
    assert failure == "99 % of the requests take up to 49 ms, which is over the limit of 20 ms."
    assert proof._judge(asked, replies, 60).failures == []
