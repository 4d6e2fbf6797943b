"""With a real tracking server: a study, its model, the registry."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from headstart.pipeline.data.seen import FILE, NOTHING
from headstart.pipeline.promotion import publish
from headstart.pipeline.results.candidate import Candidate
from headstart.pipeline.serving.saved_model import digest
from headstart.pipeline.tracking import candidates, client, registry, study_run
from tests.pipeline.saved_model import saved
from tests.pipeline.tracking.conftest import ALL, cell, epoch


@pytest.fixture
def server(project, tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    command += ["--artifacts-destination", str(tmp_path / "server-artifacts")]
    quiet = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    running = subprocess.Popen(command, env=quiet, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            assert running.poll() is None
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1)
                break
            except OSError:
                time.sleep(0.2)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        yield address
    finally:
        running.terminate()
        running.wait()


@pytest.mark.slow
def test_a_study_is_tracked_and_its_model_becomes_champion(server, described, tmp_path):
    experiment = client.reach("shapes")
    with study_run.tracked(experiment, described()) as study:
        study.began("scratch", ALL)
        study.epoch(epoch(0))
        study.ended(cell(epochs=2), 1000.0, 1002.0)
    runs = {run.info.run_name: run for run in client.connect().search_runs([experiment])}
    assert runs["scratch-100%"].data.metrics["val_loss"] == 0.75
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    model = saved(tmp_path / "model", "one")
    found = candidates.log_alone(experiment, Candidate("scratch-100%", 0.9, [], digest(model), {}), model)
    NOTHING.write(tmp_path / FILE)
    version = registry.register("shapes", found, digest(model), {"cell": "scratch-100%"}, "", tmp_path / FILE)
    publish.publish("shapes", version, "the first", "a test", model)
    assert registry.champion("shapes") == version
    assert publish.follow("shapes") == []
    assert registry.images_seen(version) == NOTHING
    assert [event.version for event in registry.events("shapes")] == [version.number]
    assert digest(registry.saved_model(found.model_uri)) == digest(model)
    assert not Path("mlruns/mlflow.db").exists()

    # A copy of the project leaves alone what this one runs.
    running = study_run._open(experiment, described())
    Path(".headstart/id").write_text("another\n")
    with study_run.tracked(experiment, described("two")) as other:
        assert other.parent != running.parent
    assert client.connect().get_run(running.parent).info.status == "RUNNING"
