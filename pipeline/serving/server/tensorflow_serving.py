"""TensorFlow Serving's REST protocol (tensorflow.org/tfx/serving/api_rest), for this one signature."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Request, Response

from headstart.components.shared.features import IMAGE
from headstart.pipeline.serving.classifier import SIGNATURE, Answer
from headstart.pipeline.serving.server.bodies import check_number, from_base64, json_object
from headstart.pipeline.serving.server.engine import Engine, RefusedError

VERSION_HEADER = "X-Model-Version"
_FORMS = f'{{"b64": "…"}} or {{"{IMAGE}": {{"b64": "…"}}}}'


def routes(engine: Engine) -> APIRouter:
    """Status, metadata and `:predict`, with and without a version."""
    router = APIRouter(prefix="/v1/models/{name}")

    @router.get("")
    @router.get("/versions/{version}")
    async def status(name: str, version: str | None = None) -> dict[str, Any]:
        for part in (name, version or ""):
            if part.endswith(":predict"):
                raise RefusedError(405, "Send images with POST.")
        model = engine.model(name, version)
        fine = {"error_code": "OK", "error_message": ""}
        return {
            "model_version_status": [{"version": str(model.version), "state": "AVAILABLE", "status": fine}]
        }

    @router.get("/metadata")
    @router.get("/versions/{version}/metadata")
    async def metadata(name: str, version: str | None = None) -> dict[str, Any]:
        model = engine.model(name, version)
        return {
            "model_spec": {"name": name, "signature_name": "", "version": str(model.version)},
            "metadata": {"signature_def": {"signature_def": model.classifier.signatures}},
        }

    @router.post(":predict")
    @router.post("/versions/{version}:predict")
    async def predict(request: Request, name: str, version: str | None = None) -> Response:
        model = engine.model(name, version)
        images, in_rows = await engine.in_thread(_images, await request.body())
        answers = await engine.answer(model, images)
        content = {"predictions": _rows(answers)} if in_rows else {"outputs": _columns(answers)}
        headers = {VERSION_HEADER: str(model.version)}
        return Response(json.dumps(content), headers=headers, media_type="application/json")

    return router


def _rows(answers: list[Answer]) -> list[dict[str, Any]]:
    return [{"label": one.label, "probabilities": one.probabilities, "labels": one.labels} for one in answers]


def _columns(answers: list[Answer]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in _rows(answers)] for key in ("label", "probabilities", "labels")}


def _images(body: bytes) -> tuple[list[bytes], bool]:
    """Image files of a predict request, and whether they came in rows."""
    content = json_object(body)
    signature = content.get("signature_name", SIGNATURE)
    if signature not in ("", SIGNATURE):
        raise RefusedError(400, f'The only signature that takes images is "{SIGNATURE}".')
    given = [key for key in ("instances", "inputs") if key in content]
    if len(given) != 1:
        raise RefusedError(400, 'The body must have either "instances" or "inputs".')
    (key,) = given
    values = content[key]
    if key == "inputs" and isinstance(values, dict):
        if set(values) != {IMAGE}:
            raise RefusedError(400, f'The only input is "{IMAGE}".')
        values = values[IMAGE]
    if not isinstance(values, list) or not values:
        raise RefusedError(400, f'"{key}" must be a list of one image or more, each as {_FORMS}.')
    check_number(len(values))
    return [_image(value, f"Image {number}") for number, value in enumerate(values, 1)], key == "instances"


def _image(value: Any, where: str) -> bytes:
    if isinstance(value, dict) and set(value) == {IMAGE}:
        value = value[IMAGE]
    if not isinstance(value, dict) or set(value) != {"b64"} or not isinstance(value["b64"], str):
        raise RefusedError(400, f"{where} must be given as {_FORMS}.")
    return from_base64(value["b64"], where)
