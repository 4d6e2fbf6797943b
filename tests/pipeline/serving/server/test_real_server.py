"""The real server and real clients, in processes of their own."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headstart.components.shared.files import replacing
from headstart.pipeline.serving import models
from tests.pipeline import small_classifier
from tests.pipeline.serving import photos
from tests.pipeline.serving.server import client

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[4]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.fixture(scope="module")
def candidates(tmp_path_factory):
    """Four SavedModels that answer differently, by the version that they become."""
    folder = tmp_path_factory.mktemp("candidates")
    return {version: small_classifier.save(folder / str(version), version) for version in (1, 2, 3, 4)}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Good and bad image files."""
    folder = tmp_path_factory.mktemp("files")
    for kind, content in {"good": photos.good(), "bad": photos.bad()}.items():
        (folder / kind).mkdir()
        for name, data in content.items():
            (folder / kind / name).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def offline(candidates, files):
    """Probabilities by version and file, of a SavedModel that is asked directly."""
    paths = sorted((files / "good").iterdir())
    return {
        version: {
            path.name: one.probabilities
            for path, one in zip(paths, models.predict(model, [path.read_bytes() for path in paths]))
        }
        for version, model in candidates.items()
    }


@pytest.fixture
def project(tmp_path, candidates):
    """A project's folder with version 1 in place."""
    put(tmp_path, candidates[1], 1)
    return tmp_path


def put(project, model, version):
    with replacing(project / f"serving/{client.MODEL}/{version}") as arriving:
        shutil.copytree(model, arriving)


@pytest.fixture
def serve(project):
    """Starts the server in the project; returns its process and address."""
    started = []

    def start(*options):
        command = [sys.executable, "-m", "headstart.pipeline.cli.main", "serve", "--name", client.MODEL]
        process = subprocess.Popen(
            [*command, "--port", "0", *options],
            cwd=project,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        for line in process.stdout:
            if found := re.search(r"http://(127\.0\.0\.1:\d+)$", line.strip()):
                return process, found[1]
        return pytest.fail(f"the server ended with code {process.wait()}")

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def clients(address, files, requests, processes):
    """Start client processes."""
    command = [sys.executable, "-m", "tests.pipeline.serving.server.client", address, str(files)]
    return [
        subprocess.Popen(
            [*command, str(requests), str(seed)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(processes)
    ]


def told(process):
    """What a client process has to tell."""
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return [json.loads(line) for line in output.splitlines()]


def check(lines, offline):
    """Every good request has the answer of the version that it names; every bad one is a 4xx."""
    for line in lines:
        if not line["good"]:
            assert 400 <= line["status"] < 500, line
            assert "error" in json.loads(line["answers"]), line
            continue
        assert line["status"] == 200, line
        for name, probabilities in zip(line["files"], line["answers"], strict=True):
            assert probabilities == pytest.approx(offline[int(line["version"])][name], abs=1e-5)


@pytest.mark.parametrize("batching", ["--batch", "--no-batch"])
def test_of_a_thousand_mixed_requests_every_good_one_is_answered_as_offline(serve, files, offline, batching):
    process, address = serve("--max-mb", "1", batching)
    lines = [line for one in clients(address, files, 250, 4) for line in told(one)]
    check(lines, offline)
    assert len(lines) == 1000 and 600 < sum(line["good"] for line in lines) < 800
    assert {line["status"] for line in lines} == {200, 400, 404, 405, 413}
    metrics = get(address, "/metrics")
    assert not re.search(r'headstart_requests_total\{code="5', metrics)
    process.terminate()
    assert process.wait(30) == 0


def test_versions_are_swapped_under_load_and_no_request_is_lost(serve, project, files, candidates, offline):
    _, address = serve("--max-mb", "1")
    running = clients(address, files, 400, 2)
    for version in (2, 3, 4):
        time.sleep(0.5)
        put(project, candidates[version], version)
        (project / f"serving/{client.MODEL}/99").mkdir(exist_ok=True)
        (project / f"serving/{client.MODEL}/99/saved_model.pb").write_bytes(b"broken %d" % version)
        while f'"version":"{version}"' not in get(address, "/readyz"):
            assert any(one.poll() is None for one in running) or version == 4
            time.sleep(0.05)
        shutil.rmtree(project / f"serving/{client.MODEL}/{version - 1}")
    lines = [line for one in running for line in told(one)]
    check(lines, offline)
    assert len(lines) == 800
    assert len({line["version"] for line in lines if line["good"]}) >= 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_accepted_before_the_stop_is_answered_and_nothing_more_is_accepted(
    serve, files, offline, number
):
    process, address = serve()
    image = files / "good/JPEG"
    _, path, body, _ = client.rest([image] * 3)
    connections = []
    for _ in range(24):  # half of each request is on its way
        connection = http.client.HTTPConnection(address, timeout=60)
        connection.putrequest("POST", path)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[: len(body) // 2].encode())
        connections.append(connection)
    for connection in connections[:8]:  # and some are being worked on
        connection.send(body[len(body) // 2 :].encode())
    get(address, "/healthz")
    process.send_signal(number)
    host, port = address.split(":")
    with pytest.raises(ConnectionError):
        for _ in range(100):
            socket.create_connection((host, int(port)), timeout=5).close()
            time.sleep(0.1)
    for connection in connections[8:]:
        connection.send(body[len(body) // 2 :].encode())
    for connection in connections:
        response = connection.getresponse()
        content = json.loads(response.read())
        assert response.status == 200
        for probabilities in client.answers(content):
            assert probabilities == pytest.approx(offline[1][image.name], abs=1e-5)
        connection.close()
    assert process.wait(30) == 0
    assert process.stdout.read().strip() == "Stopped: all requests are answered."


def get(address, path):
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", path)
    content = connection.getresponse().read().decode()
    connection.close()
    return content


@pytest.mark.parametrize(
    "raw, status",
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\nshort", 400),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nshort", 400),
        (b"POST /v1/models/model:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\nx", 413),
        (b"nonsense\r\n\r\n", 400),
        (b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ],
)
def test_what_is_no_proper_http_is_a_4xx(shared, raw, status):
    host, port = shared.split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(raw)
        with connection.makefile("rb") as answer:
            assert answer.readline().split()[:2] == [b"HTTP/1.1", str(status).encode()]


@pytest.fixture(scope="module")
def shared(candidates, tmp_path_factory):
    """The address of one server for all of these."""
    command = [sys.executable, "-m", "headstart.pipeline.cli.main", "serve", "--model", str(candidates[1])]
    with subprocess.Popen(
        [*command, "--port", "0"],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process.stdout.readline().strip().rpartition("http://")[2]
        process.kill()


@pytest.mark.parametrize(
    "options, told",
    [
        (["--name", "shapes"], "serving/shapes has no model that can be served: run"),
        (["--model", "nowhere"], "nowhere cannot be served"),
        ([], "params.yaml"),
    ],
)
def test_without_a_model_it_ends_with_a_sentence(tmp_path, options, told):
    done = _failing(tmp_path, "--port", "0", *options)
    assert done.returncode == 1
    assert told in done.stderr and "Traceback" not in done.stderr


def _failing(folder, *options):
    command = [sys.executable, "-m", "headstart.pipeline.cli.main", "serve", *options]
    return subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def test_a_port_that_is_taken_is_told_before_the_model_is_loaded(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = _failing(tmp_path, "--model", "x", "--port", port)
    assert done.returncode == 1
    assert f"cannot listen at 127.0.0.1, port {port}" in done.stderr
