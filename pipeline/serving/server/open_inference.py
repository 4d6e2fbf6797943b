"""The Open Inference Protocol, version 2, in its HTTP form: one input of bytes, in base64."""

from __future__ import annotations

import json
from importlib.metadata import version as version_of
from itertools import chain
from typing import Any

from fastapi import APIRouter, Request, Response

from headstart.components.shared.features import IMAGE
from headstart.pipeline.serving.classifier import Answer
from headstart.pipeline.serving.server.bodies import check_number, from_base64, json_object
from headstart.pipeline.serving.server.engine import Engine, RefusedError
from headstart.pipeline.serving.server.tensorflow_serving import VERSION_HEADER

_DATATYPES = {"label": "BYTES", "probabilities": "FP32", "labels": "BYTES"}


def routes(engine: Engine) -> APIRouter:
    """Health, metadata and `infer`."""
    router = APIRouter(prefix="/v2")

    @router.get("")
    async def server() -> dict[str, Any]:
        return {"name": "headstart", "version": version_of("headstart"), "extensions": []}

    @router.get("/health/live")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @router.get("/health/ready")
    async def ready() -> dict[str, bool]:
        return {"ready": engine.live is not None}  # else it has raised

    @router.get("/models/{name}/ready")
    @router.get("/models/{name}/versions/{version}/ready")
    async def model_ready(name: str, version: str | None = None) -> dict[str, Any]:
        engine.model(name, version)
        return {"name": name, "ready": True}

    @router.get("/models/{name}")
    @router.get("/models/{name}/versions/{version}")
    async def metadata(name: str, version: str | None = None) -> dict[str, Any]:
        model = engine.model(name, version)
        shapes = {"label": [-1], "probabilities": [-1, -1], "labels": [-1, -1]}
        return {
            "name": name,
            "versions": [str(model.version)],
            "platform": "tensorflow_savedmodel",
            "inputs": [{"name": IMAGE, "datatype": "BYTES", "shape": [-1]}],
            "outputs": [
                {"name": key, "datatype": _DATATYPES[key], "shape": shape} for key, shape in shapes.items()
            ],
        }

    @router.post("/models/{name}/infer")
    @router.post("/models/{name}/versions/{version}/infer")
    async def infer(request: Request, name: str, version: str | None = None) -> Response:
        model = engine.model(name, version)
        images, wanted, identity = await engine.in_thread(_parsed, await request.body())
        answers = await engine.answer(model, images)
        content = {"model_name": name, "model_version": str(model.version)}
        if identity:
            content["id"] = identity
        body = json.dumps({**content, "outputs": [_output(key, answers) for key in wanted]})
        headers = {VERSION_HEADER: str(model.version)}
        return Response(body, media_type="application/json", headers=headers)

    return router


def _output(key: str, answers: list[Answer]) -> dict[str, Any]:
    values = [getattr(answer, key) for answer in answers]
    shape = [len(values)]
    if key != "label":
        shape.append(len(values[0]))
        values = list(chain.from_iterable(values))
    return {"name": key, "datatype": _DATATYPES[key], "shape": shape, "data": values}


def _parsed(body: bytes) -> tuple[list[bytes], list[str], str]:
    """Image files of an infer request, the outputs that it wants, and its id."""
    content = json_object(body)
    data, identity = _data(content.get("inputs")), content.get("id", "")
    if not isinstance(identity, str):
        raise RefusedError(400, '"id" must be a string.')
    outputs = content.get("outputs") or [{"name": key} for key in _DATATYPES]
    named = isinstance(outputs, list) and all(isinstance(one, dict) for one in outputs)
    wanted = [str(one.get("name")) for one in outputs] if named else [""]
    if not set(wanted) <= set(_DATATYPES):
        raise RefusedError(400, f'"outputs" must be a list of tensors out of {", ".join(_DATATYPES)}.')
    return [from_base64(value, f"Image {number}") for number, value in enumerate(data, 1)], wanted, identity


def _data(inputs: Any) -> list[str]:
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise RefusedError(400, f'"inputs" must be a list of one tensor, "{IMAGE}".')
    (tensor,) = inputs
    if tensor.get("name") != IMAGE or tensor.get("datatype") != "BYTES":
        raise RefusedError(400, f'The input must have the name "{IMAGE}" and the datatype "BYTES".')
    data = tensor.get("data")
    if isinstance(data, list):
        check_number(len(data))
    if not isinstance(data, list) or not data or not all(isinstance(value, str) for value in data):
        raise RefusedError(400, f'The data of "{IMAGE}" must be a list of one base64 string or more.')
    if tensor.get("shape") != [len(data)]:
        raise RefusedError(400, f'The shape of "{IMAGE}" must be [{len(data)}]: it has that many values.')
    return data
