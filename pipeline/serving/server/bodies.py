"""What is common to requests in JSON: reading them, and images in base64."""

from __future__ import annotations

import base64
import json
from typing import Any

from headstart.pipeline.serving.server.engine import RefusedError


def json_object(body: bytes) -> dict[str, Any]:
    """A request's body as a JSON object.

    Raises:
        RefusedError: (400) it is none.
    """
    try:
        content = json.loads(body)
    except RecursionError:
        raise RefusedError(400, "The body is not usable JSON: it is nested too deeply.") from None
    except ValueError as error:
        what = "it is empty" if not body else "it is not UTF-8"
        what = str(error) if body and isinstance(error, json.JSONDecodeError) else what
        raise RefusedError(400, f"The body is not JSON: {what}.") from None
    if not isinstance(content, dict):
        raise RefusedError(400, "The body must be a JSON object.")
    return content


def from_base64(text: str, where: str) -> bytes:
    """Bytes of a base64 string; line breaks and absent padding are forgiven.

    Raises:
        RefusedError: (400) it is no base64.
    """
    joined = "".join(text.split())
    try:
        return base64.b64decode(joined + "=" * (-len(joined) % 4), validate=True)
    except ValueError:
        raise RefusedError(400, f"{where} is not base64.") from None
