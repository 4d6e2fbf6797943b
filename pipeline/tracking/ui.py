"""MLflow's own UI, opened on the comparison of the last study's runs."""

from __future__ import annotations

import os
import subprocess
import sys

from headstart.pipeline.tracking import view
from headstart.pipeline.tracking.artifacts import folder_of
from headstart.pipeline.tracking.client import address, connect, impatient, responding

# A loopback name like `localhost`, by which MLflow does not open its assistant beside the page.
_HOST = "headstart.localhost"


def pages_of(dataset: str, port: int) -> dict[str, str]:
    """Addresses of the pages that compare a data set's runs, by what they show.

    Args:
        dataset: its name.
        port: of the UI on the loopback address, where there is no tracking server.
    """
    server = f"http://{_HOST}:{port}" if is_ours() else address()
    with impatient(), responding():
        client = connect()
        experiment = client.get_experiment_by_name(dataset)
        if experiment is None:
            return {"no study yet": server}
        number = experiment.experiment_id
        return {
            "table": view.table_url(client, server, number),
            "charts": view.charts_url(client, server, number),
        }


def is_ours() -> bool:
    """Whether the UI has to be started; a tracking server has its own."""
    return not address().startswith("http")


def serve(port: int) -> None:
    """Run the MLflow UI on the loopback address until it is interrupted."""
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", address()]
    if folder := folder_of(address()):
        command += ["--artifacts-destination", str(folder)]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    command += ["--allowed-hosts", f"localhost:*,127.0.0.1:*,{_HOST}:*"]
    command += ["--cors-allowed-origins", f"http://{_HOST}:{port}"]
    # Without its job runner, which only its pages for language models use, MLflow starts one process.
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    subprocess.run(command, env={**os.environ, **quiet}, check=False)
