"""Proof of parity before a model goes live: the real server must give the answers that training recorded.

The idea is that of TFX's InfraValidator, without containers: the candidate is started as it would be served,
and asked as a client asks.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

import headstart

TOLERANCE = 1e-4  # of a probability
_CLIENTS = 4  # at the same time
_READY = 180.0  # seconds for TensorFlow to start and to load the model
_STOP = 20.0  # seconds for the server to end
_ANSWER = 60.0  # seconds for one answer
_NAMED = 3  # images in a sentence
# In two parts: a code digest follows modules that one string names, and this one imports every command.
_MODULE = ("headstart", "pipeline.cli.main")


@dataclass(frozen=True)
class Expected:
    """The recorded test prediction of one image."""

    file: Path
    label: str  # the predicted one
    probability: float  # of that label


@dataclass(frozen=True)
class Proof:
    """What the server answered; the candidate may go live where nothing failed."""

    images: int
    largest_difference: float  # of a probability from the recorded one
    p50_ms: float  # of a request, with a few clients at the same time
    p99_ms: float
    failures: list[str] = field(default_factory=list)  # a sentence each


@dataclass(frozen=True)
class _Reply:
    milliseconds: float
    probabilities: dict[str, float]
    label: str
    error: str = ""


def prove(model: Path, expected: Sequence[Expected], max_latency_ms: float) -> Proof:
    """Serve a candidate and compare its answers with the recorded ones.

    An answer is right where the recorded label has the recorded probability to `TOLERANCE`, and is the label
    that the server gives, or ties with it to `TOLERANCE`.

    Args:
        model: the candidate's SavedModel.
        expected: what was recorded of the test images.
        max_latency_ms: that 99 % of the requests must keep.

    Returns:
        What was measured. A model that cannot be served is a failure with its reason, not an exception.
    """
    try:
        largest = max((one.file.stat().st_size for one in expected if one.file.is_file()), default=0)
        with _server(model, max_mb=max(32.0, 1.5 * largest / 1e6)) as (host, port):
            clients = _Clients(host, port)
            with ThreadPoolExecutor(_CLIENTS) as pool:
                replies = list(pool.map(clients.ask, (one.file for one in expected)))
    except (_NotServedError, OSError) as error:
        return Proof(len(expected), 0.0, 0.0, 0.0, [f"The candidate could not be served: {error}."])
    return _judge(expected, replies, max_latency_ms)


class _NotServedError(Exception):
    """Why the server did not start."""


@contextmanager
def _server(model: Path, max_mb: float) -> Iterator[tuple[str, int]]:
    """The address of a server that is ready; it is stopped in any case."""
    command = [sys.executable, "-m", ".".join(_MODULE), "serve", "--model", str(model.resolve())]
    command += ["--name", "candidate", "--port", "0", "--max-mb", str(max_mb), "--leash"]
    code = str(Path(headstart.__file__).resolve().parents[1])  # this code, wherever the server starts
    path = os.pathsep.join(filter(None, [code, os.environ.get("PYTHONPATH", "")]))
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "errors").open("w+") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,  # outside the project, whose logs are its own
            env={"TF_FORCE_GPU_ALLOW_GROWTH": "true", **os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,  # ends with this process, and the server with it
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            assert process.stdout is not None
            yield _address(process, process.stdout, errors)
        finally:
            process.terminate()
            try:
                process.wait(_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()


def _address(process: subprocess.Popen[str], output: IO[str], errors: IO[str]) -> tuple[str, int]:
    """Wait for the line with the address, which the server prints when it listens."""
    late = threading.Timer(_READY, process.kill)
    late.start()
    try:
        for line in output:
            if found := re.search(r"http://([\d.]+):(\d+)", line):
                return found[1], int(found[2])
        process.wait()
    finally:
        overdue = not late.is_alive()
        late.cancel()
    if overdue:
        raise _NotServedError(f"it was not ready after {_READY:.0f} seconds")
    errors.seek(0)
    told = " ".join(errors.read().split()).removeprefix("error: ").rstrip(".")
    raise _NotServedError(told or f"the server ended with code {process.returncode}")


class _Clients:
    """A connection for each thread."""

    def __init__(self, host: str, port: int):
        self._address = host, port
        self._thread = threading.local()

    def ask(self, file: Path) -> _Reply:
        """Send one image as a client of TensorFlow Serving does."""
        if not hasattr(self._thread, "connection"):
            self._thread.connection = http.client.HTTPConnection(*self._address, timeout=_ANSWER)
        connection: http.client.HTTPConnection = self._thread.connection
        try:
            encoded = base64.b64encode(file.read_bytes()).decode()
            begun = time.perf_counter()
            connection.request(
                "POST", "/v1/models/candidate:predict", json.dumps({"instances": [{"b64": encoded}]})
            )
            content = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            return _Reply(0.0, {}, "", error=f"{type(error).__name__}: {error}".rstrip("."))
        milliseconds = 1000 * (time.perf_counter() - begun)
        if "error" in content:
            return _Reply(milliseconds, {}, "", error=content["error"].rstrip("."))
        (row,) = content["predictions"]
        return _Reply(milliseconds, dict(zip(row["labels"], row["probabilities"])), row["label"])


def _judge(expected: Sequence[Expected], replies: Sequence[_Reply], max_latency_ms: float) -> Proof:
    unanswered, unknown, moved, relabelled = [], [], [], []
    largest = 0.0
    for one, reply in zip(expected, replies, strict=True):
        name = f"{one.file.parent.name}/{one.file.name}"
        if reply.error:
            unanswered.append(f"{name}: {reply.error}")
            continue
        if one.label not in reply.probabilities:
            unknown.append(f"{name}: {one.label}")
            continue
        served = reply.probabilities[one.label]
        difference = abs(served - one.probability)
        largest = max(largest, difference)
        if not difference <= TOLERANCE:
            moved.append(f"{name}: {served:.4f} instead of {one.probability:.4f}")
        if reply.label != one.label and not reply.probabilities[reply.label] - served <= TOLERANCE:
            relabelled.append(f"{name}: {reply.label} instead of {one.label}")
    p50, p99 = _percentiles([reply.milliseconds for reply in replies if not reply.error])
    failures = [
        _sentence(len(expected), "got no answer", unanswered),
        _sentence(len(expected), "have a label that the model does not know", unknown),
        _sentence(len(expected), f"have a probability that differs by more than {TOLERANCE:g}", moved),
        _sentence(len(expected), "got another label than recorded", relabelled),
    ]
    if p99 > max_latency_ms:
        failures.append(
            f"99 % of the requests take up to {p99:.0f} ms, which is over the limit of {max_latency_ms:g} ms."
        )
    return Proof(len(expected), largest, p50, p99, [one for one in failures if one])


def _sentence(images: int, what: str, found: list[str]) -> str:
    if not found:
        return ""
    more = ", …" if len(found) > _NAMED else ""
    return f"{len(found)} of {images} test images {what} ({'; '.join(found[:_NAMED])}{more})."


def _percentiles(milliseconds: list[float]) -> tuple[float, float]:
    """The median and the 99th percentile; 0 of nothing."""
    if not milliseconds:
        return 0.0, 0.0
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return float(p50), float(p99)
