"""What is common to requests: the limit of images, reading JSON, and images in base64."""

from __future__ import annotations

import base64
import json
import string
from typing import Any

from headstart.pipeline.serving.server.engine import RefusedError

IMAGES = 1000  # of one request
_COMMAS = 10 * IMAGES  # of a JSON body; an image needs one or two, and base64 has none


def check_number(images: int) -> None:
    """Check that a request has no more than `IMAGES`, before one of them is decoded.

    Raises:
        RefusedError: (400) it has more.
    """
    if images > IMAGES:
        raise RefusedError(400, f"The request has {images} images: send {IMAGES} at most in one request.")


def json_object(body: bytes) -> dict[str, Any]:
    """A request's body as a JSON object.

    Raises:
        RefusedError: (400) it is none, or has far more values than `IMAGES` need.
    """
    if body.count(b",") > _COMMAS:  # the parser would keep the interpreter for seconds
        raise RefusedError(
            400, f"The body has too many values: send {IMAGES} images at most, each as one base64 string."
        )
    try:
        content = json.loads(body)
    except RecursionError:
        raise RefusedError(400, "The body is not usable JSON: it is nested too deeply.") from None
    except ValueError as error:
        raise RefusedError(
            400, f"The body is not JSON: {_reason(error) if body else 'it is empty'}."
        ) from None
    if not isinstance(content, dict):
        raise RefusedError(400, "The body must be a JSON object.")
    return content


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return str(error)
    return (
        "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else "it has an integer that is too long"
    )


def from_base64(text: str, where: str) -> bytes:
    """Bytes of a base64 string; line breaks and absent padding are forgiven.

    Raises:
        RefusedError: (400) it is no base64.
    """
    try:
        joined = text.encode("ascii").translate(None, string.whitespace.encode())
        return base64.b64decode(joined + b"=" * (-len(joined) % 4), validate=True)
    except ValueError:
        raise RefusedError(400, f"{where} is not base64.") from None
