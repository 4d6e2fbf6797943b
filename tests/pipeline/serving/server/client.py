"""A client in a process of its own: sends good and bad requests, and prints what came back, a JSON line each.

    python -m tests.pipeline.serving.server.client HOST:PORT FOLDER REQUESTS SEED

FOLDER has the image files in `good/` and `bad/`.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
import socket
import sys
from pathlib import Path

MODEL = "shapes"
BAD_BODIES = (b"", b"{", b"[]", b'{"instances": 7}', b'{"instances": [{"b64": "*"}]}', b"\xff" * 50)


def main() -> None:
    """Send the requests one after the other over one connection, as most clients do."""
    address, folder, requests, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    files = {kind: sorted((folder / kind).iterdir()) for kind in ("good", "bad")}
    choose = random.Random(seed)
    connection = http.client.HTTPConnection(address, timeout=120)
    for number in range(requests):
        if number % 50 == 7:
            lie(address)
        good = choose.random() < 0.7
        sent = choose.choices(files["good"], k=choose.choice((1, 1, 3)))
        if good:
            method, path, body, headers = choose.choice((rest, open_inference, upload))(sent)
        else:
            method, path, body, headers = choose.choice((bad_image, bad_body, bad_address, too_large))(
                choose, sent, files["bad"]
            )
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        told = {"good": good, "path": path, "status": response.status, "files": [file.name for file in sent]}
        told["version"] = response.getheader("X-Model-Version")
        told["answers"] = answers(json.loads(content)) if response.status == 200 else content.decode()
        print(json.dumps(told), flush=True)


def rest(files):
    rows = [{"b64": base64.b64encode(file.read_bytes()).decode()} for file in files]
    return "POST", f"/v1/models/{MODEL}:predict", json.dumps({"instances": rows}), {}


def open_inference(files):
    data = [base64.b64encode(file.read_bytes()).decode() for file in files]
    tensor = {"name": "image", "shape": [len(data)], "datatype": "BYTES", "data": data}
    return "POST", f"/v2/models/{MODEL}/infer", json.dumps({"inputs": [tensor]}), {}


def upload(files):
    head = b'--edge\r\nContent-Disposition: form-data; name="image"; filename="x"\r\n\r\n'
    parts = [head + file.read_bytes() + b"\r\n" for file in files]
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    return "POST", "/predict", b"".join(parts) + b"--edge--\r\n", headers


def bad_image(choose, good, bad):
    return choose.choice((rest, open_inference, upload))([*good, choose.choice(bad)])


def bad_body(choose, good, bad):
    return "POST", f"/v1/models/{MODEL}:predict", choose.choice(BAD_BODIES), {}


def bad_address(choose, good, bad):
    paths = ("/v1/models/other:predict", f"/v1/models/{MODEL}/versions/99:predict", "/no/where", "/healthz")
    return "POST", choose.choice(paths), rest(good)[2], {}


def too_large(choose, good, bad):
    return "POST", f"/v1/models/{MODEL}:predict", b"x" * 1_200_000, {}


def lie(address: str) -> None:
    """Declare more than is sent, and leave."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nshort")


def answers(content) -> list[dict[str, float]]:
    """Probabilities by class, of each image, from any of the three protocols."""
    if "outputs" in content:
        values = {one["name"]: one["data"] for one in content["outputs"]}
        count, images = len(values["labels"]), len(values["label"])
        pairs = list(zip(values["labels"], values["probabilities"]))
        return [dict(pairs[start : start + count // images]) for start in range(0, count, count // images)]
    return [
        dict(zip(row["labels"], row["probabilities"])) if "labels" in row else row["probabilities"]
        for row in content["predictions"]
    ]


if __name__ == "__main__":
    main()
