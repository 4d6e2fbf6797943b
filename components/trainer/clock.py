"""Wall and CPU seconds of a part of the work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Clock:
    """Adds up wall and CPU seconds, those of all threads, of what runs inside `running`."""

    def __init__(self) -> None:
        """Start from nothing."""
        self.seconds = self.cpu_seconds = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """What happens inside is counted."""
        began, cpu = time.perf_counter(), time.process_time()
        yield
        self.add(time.perf_counter() - began, time.process_time() - cpu)

    def add(self, seconds: float, cpu_seconds: float = 0.0) -> None:
        """Count what was measured elsewhere."""
        self.seconds += seconds
        self.cpu_seconds += cpu_seconds
