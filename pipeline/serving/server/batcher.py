"""Joins images of several requests into one TensorFlow call; one worker thread makes these calls."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from headstart.components.shared.features import MAX_PIXELS
from headstart.pipeline.serving.classifier import Answer, Classifier
from headstart.pipeline.serving.server.room import Room

_PIXELS = 50_000_000  # of one batch: the graph holds its images decoded, as floats


@dataclass(frozen=True)
class Opened:
    """An image that was decoded once to see that it is whole."""

    encoded: bytes  # as `for_graph` gives it
    pixels: int
    taken: int = 0  # pixels of `Batcher.room` to give back: those of the file that was sent


@dataclass(frozen=True)
class _Waiting:
    classifier: Classifier
    image: Opened
    answer: asyncio.Future[Answer]


class Batcher:
    """A queue of opened images, and the task that empties it."""

    def __init__(self, images: int, wait: float, seen: Callable[[int], object]):
        """Start with an empty queue.

        Args:
            images: of one call, at most.
            wait: seconds to wait for more images, when some are being opened.
            seen: is given the number of images of each call.
        """
        self._images = images
        self._wait = wait
        self._seen = seen
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._worker = ThreadPoolExecutor(1, "tensorflow")
        self.coming = 0  # images that are being opened
        self.room = Room(MAX_PIXELS)  # taken before an image is decoded, given back after its call

    def answer(self, classifier: Classifier, image: Opened) -> asyncio.Future[Answer]:
        """Queue an image: its answer to come, which may be cancelled.

        The future raises:
            UnusableError: TensorFlow cannot decode this image.
        """
        waiting = _Waiting(classifier, image, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._arrived.set()
        return waiting.answer

    async def run(self) -> None:
        """Make one call after the other until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            if self.coming and len(self._queue) < self._images:
                await asyncio.sleep(self._wait)
            taken = self._take()
            batch = [one for one in taken if not one.answer.done()]  # else its request is refused
            if not self._queue:
                self._arrived.clear()
            results: list[Answer | Exception] = []
            if batch:
                self._seen(len(batch))
                results = await loop.run_in_executor(self._worker, _ask, batch)
            self.room.give_back(sum(one.image.taken for one in taken))
            for waiting, result in zip(batch, results):
                if waiting.answer.done():  # its request was refused meanwhile
                    continue
                if isinstance(result, Answer):
                    waiting.answer.set_result(result)
                else:
                    waiting.answer.set_exception(result)

    def _take(self) -> list[_Waiting]:
        """The next images that are for the same model and not too large together; one at least."""
        batch = [self._queue.popleft()]
        pixels = batch[0].image.pixels
        while self._queue and len(batch) < self._images:
            following = self._queue[0]
            pixels += following.image.pixels
            if following.classifier is not batch[0].classifier or pixels > _PIXELS:
                break
            batch.append(self._queue.popleft())
        return batch


def _ask(batch: list[_Waiting]) -> list[Answer | Exception]:
    """An answer for each image; where the call fails, each image is asked about alone."""
    try:
        answers = batch[0].classifier.answer([waiting.image.encoded for waiting in batch])
        if len(answers) != len(batch):
            raise ValueError(f"The model gave {len(answers)} answers for {len(batch)} images.")
        return list(answers)
    except Exception as error:
        if len(batch) == 1:
            return [error]
        return [result for waiting in batch for result in _ask([waiting])]
