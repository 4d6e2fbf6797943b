"""MLflow's own UI."""

from __future__ import annotations

import subprocess
import sys

from headstart.pipeline.tracking.artifacts import folder_of
from headstart.pipeline.tracking.client import address, connect


def page_of(dataset: str, port: int) -> str:
    """The page of a data set's runs, where there are any."""
    experiment = connect().get_experiment_by_name(dataset)
    server = address() if address().startswith("http") else f"http://127.0.0.1:{port}"
    return server + (f"/#/experiments/{experiment.experiment_id}/runs" if experiment else "")


def serve(port: int) -> None:
    """Run the MLflow UI on the loopback address until it is interrupted; a server has its own."""
    if address().startswith("http"):
        return
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", address()]
    if folder := folder_of(address()):
        command += ["--artifacts-destination", str(folder)]
    subprocess.run([*command, "--host", "127.0.0.1", "--port", str(port)], check=False)
