"""Follows the folder of a model's versions: loads a new one, warms it up, and only then swaps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from headstart.pipeline.serving.classifier import Classifier
from headstart.pipeline.serving.server.engine import Engine, Model

_SECONDS = 1.0  # between two looks
_log = logging.getLogger(__name__)

_Identity = tuple[int, tuple[tuple[str, int, int], ...]]  # version; name, size and time of each file


def load(folder: Path, version: int) -> Model:
    """A model that is loaded and warmed up."""
    classifier = Classifier(folder)
    classifier.warm()
    return Model(version, classifier)


class Watcher:
    """Keeps an engine at the highest version that loads, as TensorFlow Serving does."""

    def __init__(self, folder: Path, engine: Engine, report: Callable[[str], object] = _log.info):
        """Watch the folders of versions in a folder.

        Args:
            folder: has `<version>/saved_model.pb`.
            engine: is kept at the highest version.
            report: is given a sentence for the operator.
        """
        self._folder = folder
        self._report = report
        self._engine = engine
        self._live: _Identity | None = None
        self._broken: set[_Identity] = set()

    def look(self) -> None:
        """Swap where there is something newer; a version that does not load is logged once, and passed over.

        Where versions are gone and none is left, the live one stays: it is in memory.
        """
        for identity in sorted(self._found(), reverse=True):
            if identity == self._live:
                return
            if identity in self._broken:
                continue
            version = identity[0]
            try:
                model = load(self._folder / str(version), version)
            except Exception:  # TensorFlow raises many kinds
                self._broken.add(identity)
                self._engine.metrics.loads.labels("no").inc()
                _log.exception("Version %d cannot be loaded.", version)
                self._report(
                    f"Version {version} cannot be loaded (see the log): the server goes on without it."
                )
                continue
            self._engine.swap(model)
            self._engine.metrics.loads.labels("yes").inc()
            if self._live:
                self._report(f"Version {version} of {self._engine.name} is live.")
            self._live = identity
            return

    async def run(self) -> None:
        """Look again and again until cancelled; requests are answered meanwhile."""
        while True:
            await asyncio.sleep(_SECONDS)
            try:
                await asyncio.to_thread(self.look)
            except OSError:
                _log.exception("The folder of versions cannot be read; the live version stays.")

    def _found(self) -> list[_Identity]:
        """Versions that have a graph; a copy that is under way is another one at each look."""
        found = []
        for graph in self._folder.glob("*/saved_model.pb"):
            if not graph.parent.name.isdecimal():
                continue
            with suppress(FileNotFoundError):  # it goes away just now
                files = sorted((graph, *graph.parent.glob("variables/*")))
                stats = tuple((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files)
                found.append((int(graph.parent.name), stats))
        return found
