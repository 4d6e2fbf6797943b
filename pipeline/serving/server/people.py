"""For people: a page to drop a photo on, and uploads as `curl -F` makes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from headstart.pipeline.serving.classifier import Answer
from headstart.pipeline.serving.server.bodies import IMAGES
from headstart.pipeline.serving.server.engine import Engine, RefusedError
from headstart.pipeline.serving.server.tensorflow_serving import VERSION_HEADER

_PAGE = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)


def routes(engine: Engine) -> APIRouter:
    """The page and the upload."""
    router = APIRouter()

    @router.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})

    @router.post("/predict")
    async def predict(request: Request, response: Response) -> dict[str, Any]:
        model = engine.live
        async with request.form(max_files=IMAGES, max_fields=IMAGES) as form:
            values = [value for _, value in form.multi_items()]
            images = [await value.read() for value in values if not isinstance(value, str)]
        if not images:
            raise RefusedError(400, "Send one image file or more: curl -F image=@photo.jpg …/predict")
        answers = await engine.answer(model, images)
        response.headers[VERSION_HEADER] = str(model.version)
        return {
            "model": engine.name,
            "version": str(model.version),
            "predictions": [_highest_first(answer) for answer in answers],
        }

    return router


def _highest_first(answer: Answer) -> dict[str, Any]:
    by_class = sorted(zip(answer.labels, answer.probabilities), key=lambda pair: -pair[1])
    return {"label": answer.label, "probabilities": dict(by_class)}
