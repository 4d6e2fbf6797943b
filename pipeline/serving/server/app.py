"""The application: all routes, their errors as one sentence, and what runs beside them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from headstart.pipeline.serving.server import open_inference, people, tensorflow_serving
from headstart.pipeline.serving.server.engine import Engine, RefusedError
from headstart.pipeline.serving.server.limits import BodyLimit, Counted
from headstart.pipeline.serving.server.watcher import Watcher

_SENTENCES = {
    400: "The upload cannot be read: {reason}.",
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
}
_log = logging.getLogger(__name__)


def create_app(engine: Engine, max_bytes: int, watcher: Watcher | None = None) -> FastAPI:
    """All that the server answers.

    Args:
        engine: holds the live model.
        max_bytes: of a request's body.
        watcher: swaps the engine's model while the application runs; None keeps the model.
    """

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(engine.batcher.run())]
        if watcher:
            tasks.append(asyncio.create_task(watcher.run()))
        yield
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    # FastAPI's own pages load scripts from another host.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=running)
    for protocol in (tensorflow_serving, open_inference, people):
        app.include_router(protocol.routes(engine))
    _add_health(app, engine)
    _add_errors(app)
    app.add_middleware(BodyLimit, size=max_bytes)
    app.add_middleware(Counted, metrics=engine.metrics)
    return app


def _add_health(app: FastAPI, engine: Engine) -> None:
    @app.get("/healthz")
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ready", "model": engine.name, "version": str(engine.live.version)}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(engine.metrics.text(), media_type=engine.metrics.content_type)


def _add_errors(app: FastAPI) -> None:
    def told(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
        # The rest of a refused body may still be on its way: it must not be taken for a request.
        closing = {"Connection": "close"} if status == 413 else {}
        return JSONResponse({"error": sentence}, status, {**(headers or {}), **closing})

    @app.exception_handler(RefusedError)
    async def refused(_: Request, error: RefusedError) -> JSONResponse:
        return told(error.status, str(error))

    async def http(_: Request, error: Any) -> JSONResponse:
        reason = str(error.detail).rstrip(".")  # the form parser's
        sentence = _SENTENCES[error.status_code].format(reason=reason[:1].lower() + reason[1:])
        return told(error.status_code, sentence, error.headers)

    for status in _SENTENCES:  # of what FastAPI itself refuses
        app.add_exception_handler(status, http)

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> JSONResponse:
        _log.error("A request failed.", exc_info=error)
        return told(500, "The server failed on this request; its log has the reason.")
