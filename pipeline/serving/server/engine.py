"""What all protocols share: which model answers, how images are opened, and how a request is refused."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from headstart.components.image_example_gen.images import for_graph
from headstart.components.image_example_gen.opener import UnusableError, opening
from headstart.pipeline.serving.classifier import Answer, Classifier
from headstart.pipeline.serving.server.batcher import Batcher, Opened
from headstart.pipeline.serving.server.metrics import Metrics

BATCH = 32  # images
WAIT = 0.004  # seconds

_Result = TypeVar("_Result")


class RefusedError(Exception):
    """A request that the client has to change, with an HTTP status and a sentence that names no path."""

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Model:
    """A version that is loaded and ready."""

    version: int
    classifier: Classifier


class Engine:
    """Answers images with the live model. A request keeps the model that it began with."""

    def __init__(self, name: str, live: Model | None, batch: int = BATCH):
        """Hold a model that is ready.

        Args:
            name: of the model, as clients call it.
            live: what answers; None until `swap`.
            batch: images of one TensorFlow call, at most; 1 turns batching off.
        """
        self.name = name
        self.metrics = Metrics()
        self.batcher = Batcher(batch, WAIT, self.metrics.batches.observe)
        self._openers = ThreadPoolExecutor(os.cpu_count() or 1, "opener")
        self._live: Model | None = None
        if live:
            self.swap(live)

    @property
    def live(self) -> Model:
        """The model that answers a request that begins now."""
        if self._live is None:
            raise RefusedError(503, "No model is loaded yet: try again in a moment.")
        return self._live

    @property
    def is_ready(self) -> bool:
        """Whether a model is loaded."""
        return self._live is not None

    def swap(self, model: Model) -> None:
        """Let a model answer all requests from now on."""
        self._live = model
        self.metrics.version.labels(self.name).set(model.version)

    def model(self, name: str, version: str | None = None) -> Model:
        """The model that a client asks for.

        Raises:
            RefusedError: (404) another model, or a version that is not live.
        """
        live = self.live
        if name != self.name:
            raise RefusedError(404, f"There is no such model here: this server has the model {self.name}.")
        if version is not None and version != str(live.version):
            raise RefusedError(
                404, f"This version of {self.name} is not served: version {live.version} is live."
            )
        return live

    async def in_thread(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        """Run what takes the processor for a while, and let other requests go on."""
        return await asyncio.get_running_loop().run_in_executor(self._openers, function, *arguments)

    async def answer(self, model: Model, images: list[bytes]) -> list[Answer]:
        """Classify image files of any format that import takes, in order.

        Each image is opened and checked before it joins a batch, so a bad one costs only its own request. The
        images behind it are not opened, apart from a few that already are.

        Raises:
            RefusedError: (400) an image cannot be used; the sentence numbers the first one.
        """
        waiting: list[asyncio.Future[Answer]] = []
        try:
            for start in range(0, len(images), BATCH):
                opening = (self._queue(model, one) for one in images[start : start + BATCH])
                results = await asyncio.gather(*opening, return_exceptions=True)
                waiting += [one for one in results if not isinstance(one, BaseException)]
                _good(results, start, len(images))
            answers = _good(await asyncio.gather(*waiting, return_exceptions=True), 0, len(images))
        finally:
            for one in waiting:  # of a request that is refused
                one.cancel()
        self.metrics.images.inc(len(answers))
        return answers

    async def _queue(self, model: Model, encoded: bytes) -> asyncio.Future[Answer]:
        """Open an image, and queue it: its answer to come."""
        taken = 0
        self.batcher.coming += 1
        try:
            pixels = await self.in_thread(_pixels, encoded)
            await self.batcher.room.take(pixels)
            taken = pixels
            image = await self.in_thread(_open, encoded, taken)
        except BaseException as error:
            self.batcher.room.give_back(taken)
            self.metrics.refused.inc(isinstance(error, UnusableError))
            raise
        finally:
            self.batcher.coming -= 1
        return self.batcher.answer(model.classifier, image)


def _good(results: Sequence[_Result | BaseException], start: int, images: int) -> list[_Result]:
    """Results for images from the given place on, where none of them has failed."""
    good = []
    for number, result in enumerate(results, start + 1):
        if isinstance(result, UnusableError):
            which = "The image" if images == 1 else f"Image {number} of {images}"
            raise RefusedError(400, f"{which} cannot be used: {result}.")
        if isinstance(result, BaseException):
            raise result
        good.append(result)
    return good


def _pixels(encoded: bytes) -> int:
    """Pixels of an image, by its header."""
    with _memory_errors(), opening(encoded) as image:
        return image.width * image.height


def _open(encoded: bytes, taken: int) -> Opened:
    with _memory_errors():
        usable = for_graph(encoded, checked=True)
        return Opened(usable, _pixels(usable), taken)


@contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise UnusableError("it needs too much memory") from None
