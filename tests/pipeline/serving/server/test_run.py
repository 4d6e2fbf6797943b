"""How the server ends."""

import asyncio
import socket

import pytest
import uvicorn

from headstart.pipeline.serving.server import run
from headstart.pipeline.serving.server.app import create_app
from headstart.pipeline.serving.server.engine import Engine

HALF = b"POST /v2/models/shapes/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nhalf of it"


def unfinished(loaded, requests):
    """Start a server, send half of each request, and tell the server to stop within a second."""

    async def cut_off():
        app = create_app(Engine("shapes", loaded), 10_000)
        server = run._Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        with socket.create_server(("127.0.0.1", 0)) as listening:
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            address = listening.getsockname()
            streams = [await asyncio.open_connection(*address) for _ in range(requests)]
            for _, writer in streams:
                writer.write(HALF)
            while len(server.server_state.tasks) < requests or not server.started:
                await asyncio.sleep(0.01)
            server.should_exit = True
            await serving
            for _, writer in streams:
                writer.close()
        return server.unfinished

    return asyncio.run(asyncio.wait_for(cut_off(), 30))


@pytest.mark.parametrize(
    "requests, words",
    [
        (0, "Stopped: all requests are answered."),
        (1, "Stopped: 1 request was not finished within 30 seconds, and cut off."),
        (2, "Stopped: 2 requests were not finished within 30 seconds, and cut off."),
    ],
)
def test_the_last_words_count_the_requests_that_were_cut_off(loaded, requests, words):
    assert run._last_words(unfinished(loaded, requests)) == words
