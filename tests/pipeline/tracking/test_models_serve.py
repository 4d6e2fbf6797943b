"""`mlflow models serve`, for whoever has only the registry, answers as the model that was logged."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from headstart.pipeline.results.candidate import Candidate
from headstart.pipeline.serving import models
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.tracking import candidates, client
from tests.pipeline import small_classifier
from tests.pipeline.serving import photos


@pytest.fixture
def served(experiment, tmp_path):
    """A model logged as the study logs it, and the address at which MLflow serves it."""
    model = small_classifier.save(tmp_path / "model")
    logged = candidates.log_alone(experiment, Candidate("frozen-100%", 0.9, [], digest(model), {}), model)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", logged.model_uri]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": client.address()}
    running = subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        for _ in range(600):
            assert running.poll() is None
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/ping", timeout=5)
                break
            except OSError:
                time.sleep(0.2)
        yield model, f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(running.pid, signal.SIGTERM)  # the server is a child of the command
        running.wait()


@pytest.mark.slow
def test_images_in_base64_get_the_answers_of_the_model_that_was_logged(served):
    model, address = served
    kinds = ("JPEG", "PNG", "GIF", "BMP")  # what the graph itself decodes
    files = [photos.good()[kind] for kind in kinds]
    rows = [{"image": base64.b64encode(file).decode()} for file in files]
    request = urllib.request.Request(
        address,
        json.dumps({"dataframe_records": rows}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            answers = json.load(response)["predictions"]
    except urllib.error.HTTPError as error:
        pytest.fail(error.read().decode())
    expected = list(models.predict(model, files))
    assert [one["label"] for one in answers] == [one.label for one in expected]
    highest = [next(iter(one.probabilities.values())) for one in expected]
    assert [one["probability"] for one in answers] == pytest.approx(highest, abs=1e-5)
