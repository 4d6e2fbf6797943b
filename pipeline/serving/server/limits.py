"""Middleware around all routes: the size of a request's body, and what is counted of each request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from headstart.pipeline.serving.server.engine import RefusedError
from headstart.pipeline.serving.server.metrics import Metrics

# ASGI's own types (asgi.readthedocs.io).
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_DRAIN = 2.0  # seconds for which the rest of a body is thrown away, so that its sender reads the answer


class BodyLimit:
    """Refuses a body that is too large: by its declared length, or as soon as more has arrived."""

    def __init__(self, app: ASGIApp, size: int):
        """Allow so many bytes."""
        self._app = app
        self._size = size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what the application reads."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        read = 0

        async def counting() -> Message:
            nonlocal read
            if int(declared) > self._size:  # the protocol layer lets only digits through
                await self._refuse(receive)
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._size:
                await self._refuse(receive)
            return message

        await self._app(scope, counting, send)

    async def _refuse(self, receive: Receive) -> None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_drain(receive, self._size), _DRAIN)
        raise RefusedError(413, f"The request is larger than {self._size / 1e6:g} MB.")


async def _drain(receive: Receive, size: int) -> None:
    while size > 0:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return
        size -= len(message["body"])


class Counted:
    """Counts requests and their seconds by route, not by address, which clients choose."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        """Count into these metrics."""
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the status and the time of the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status, has_left = time.perf_counter(), 0, False

        async def watching() -> Message:
            nonlocal has_left
            message = await receive()
            has_left = has_left or message["type"] == "http.disconnect"
            return message

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, watching, noting)
        except Exception:
            if not has_left:
                raise
            status = 499  # nginx's number for a client that left; nobody reads an answer
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.requests.labels(route, _method(scope), str(status or 500)).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - begun)


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "other"
