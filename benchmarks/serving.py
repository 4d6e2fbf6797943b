"""What `headstart serve` costs, beside TensorFlow's own call of the same SavedModel in a loop.

    python -m benchmarks.serving

One run measures all contenders on one model (MobileNetV2, random weights) and the same photos, in turns, so
that their ratios hold although the machine does other things. CPU time is that of the process with the model.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import io
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

_CLASSES = 10
_FILES = 32
_WIDTH, _HEIGHT = 640, 480  # pixels of a photo


@dataclass
class Measured:
    """All rounds of one contender."""

    name: str
    milliseconds: list[float] = field(default_factory=list)  # of each request
    images: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def row(self, base: Measured) -> str:
        """A line of the table; ratios are to the base."""
        p50, p99 = np.percentile(self.milliseconds, [50, 99])
        rate, cpu = self.images / self.seconds, 1000 * self.cpu_seconds / self.images
        base_rate, base_cpu = base.images / base.seconds, 1000 * base.cpu_seconds / base.images
        return (
            f"| {self.name} | {p50:.0f} | {p99:.0f} | {rate:.1f} | {rate / base_rate:.2f} | {cpu:.1f} "
            f"| {cpu / base_cpu:.2f} |"
        )


def photos() -> list[bytes]:
    """JPEG files of smooth shapes with some noise, about as large as photos of this size."""
    rng = np.random.default_rng(0)
    files = []
    for _ in range(_FILES):
        blocks = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        pixels = np.asarray(blocks.resize((_WIDTH, _HEIGHT), Image.Resampling.BICUBIC)).astype(int)
        noisy = pixels + rng.normal(0, 6, pixels.shape).astype(int)
        file = io.BytesIO()
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=90)
        files.append(file.getvalue())
    return files


def save_model(folder: Path, size: int) -> None:
    """A SavedModel with the served signature, as `components/trainer/export.py` makes it."""
    import keras
    import tensorflow as tf

    from headstart.components.trainer.pixel_limit import within_pixel_limit
    from headstart.components.transform.preprocessing import decode

    network = keras.applications.MobileNetV2(weights=None, classes=_CLASSES, input_shape=(size, size, 3))
    labels = tf.constant([f"class {number}" for number in range(_CLASSES)])

    class Served(tf.Module):
        def __init__(self) -> None:
            self.network = network

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")], autograph=False)
        def serving_default(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
            pixels = tf.map_fn(
                lambda one: decode(one, size), within_pixel_limit(image), fn_output_signature=tf.uint8
            )
            pixels = tf.ensure_shape(pixels, [None, size, size, 3])
            probabilities = self.network(tf.cast(pixels, tf.float32) / 127.5 - 1.0, training=False)
            return {
                "label": tf.gather(labels, tf.argmax(probabilities, axis=-1)),
                "probabilities": probabilities,
                "labels": tf.tile(labels[tf.newaxis], [tf.shape(image)[0], 1]),
            }

    served = Served()
    tf.saved_model.save(served, str(folder), signatures={"serving_default": served.serving_default})


def direct(
    signature: Callable[..., object], files: list[bytes], batch: int, images: int, into: Measured
) -> None:
    """TensorFlow's own call in a loop, in this process."""
    import tensorflow as tf

    begun, cpu = time.perf_counter(), time.process_time()
    for start in range(0, images, batch):
        called = time.perf_counter()
        signature(image=tf.constant([files[number % len(files)] for number in range(start, start + batch)]))
        into.milliseconds.append(1000 * (time.perf_counter() - called))
    into.images += images
    into.seconds += time.perf_counter() - begun
    into.cpu_seconds += time.process_time() - cpu


@contextlib.contextmanager
def server(model: Path, option: str) -> Iterator[str]:
    """The address of `headstart serve` on the model."""
    command = [sys.executable, "-m", "headstart.pipeline.cli.main", "serve", "--model", str(model)]
    with subprocess.Popen(
        [*command, "--name", "bench", "--port", "0", option], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://(\S+)", process.stdout.readline())
        assert found
        try:
            yield found[1]
        finally:  # else leaving the block waits for ever
            process.terminate()


def over_http(address: str, bodies: list[bytes], clients: int, images: int, into: Measured) -> None:
    """Clients at the same time, one image a request, each over its own connection."""
    thread = threading.local()

    def ask(number: int) -> float:
        if not hasattr(thread, "connection"):
            thread.connection = http.client.HTTPConnection(address, timeout=120)
        called = time.perf_counter()
        thread.connection.request("POST", "/v1/models/bench:predict", bodies[number % len(bodies)])
        response = thread.connection.getresponse()
        assert response.read() and response.status == 200
        return 1000 * (time.perf_counter() - called)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, range(2 * clients)))  # connections, and what TensorFlow does only once
        begun, cpu = time.perf_counter(), _cpu_seconds(address)
        into.milliseconds += pool.map(ask, range(images))
        into.seconds += time.perf_counter() - begun
    into.images += images
    into.cpu_seconds += _cpu_seconds(address) - cpu


def _cpu_seconds(address: str) -> float:
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", "/metrics")
    found = re.search(r"^process_cpu_seconds_total (\S+)$", connection.getresponse().read().decode(), re.M)
    assert found
    return float(found[1])


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=160, help="side of the model's images, pixels")
    parser.add_argument("--images", type=int, default=128, help="of each contender in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, default=8)
    chosen = parser.parse_args()
    import tensorflow as tf

    files = photos()
    bodies = [json.dumps({"instances": [{"b64": base64.b64encode(one).decode()}]}).encode() for one in files]
    names = ("TensorFlow, one image a call", "TensorFlow, 32 images a call")
    alone, batched = (Measured(name) for name in names)
    served = {
        (option, clients): Measured(f"server, batching {told}, {clients} client{'s' * (clients > 1)}")
        for option, told in (("--batch", "on"), ("--no-batch", "off"))
        for clients in (1, chosen.clients)
    }
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        model = Path(folder) / "1"
        save_model(model, chosen.size)
        loaded = tf.saved_model.load(str(model))
        signature = loaded.signatures["serving_default"]
        addresses = {
            option: stack.enter_context(server(model, option)) for option in ("--batch", "--no-batch")
        }
        for batch in (1, 32):
            direct(signature, files, batch, 32, Measured("warm"))
        for _ in range(chosen.rounds):
            direct(signature, files, 1, chosen.images, alone)
            direct(signature, files, 32, chosen.images, batched)
            for (option, clients), measured in served.items():
                over_http(addresses[option], bodies, clients, chosen.images, measured)
    size = np.mean([len(one) for one in files]) / 1000
    print(
        f"MobileNetV2 1.0 at {chosen.size} px, JPEG photos of {_WIDTH} × {_HEIGHT} px and {size:.0f} kB, "
        f"{alone.images} images for each row.\n\n"
        "| | p50, ms | p99, ms | images/s | ratio | CPU ms an image | ratio |\n|---|---|---|---|---|---|---|"
    )
    for measured in (alone, batched, *served.values()):
        print(measured.row(alone))


if __name__ == "__main__":
    main()
