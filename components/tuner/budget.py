"""Seconds that a search may take, those of an earlier, interrupted run included."""

from __future__ import annotations

import time


class Budget:
    """Counts what trials took, whether now or in a run before."""

    def __init__(self, seconds: float):
        """Start with so many seconds."""
        self._seconds, self.spent = seconds, 0.0

    def spend(self, seconds: float) -> None:
        """Count the seconds of a trial."""
        self.spent += seconds

    @property
    def left(self) -> float:
        """Seconds; 0 where none are left."""
        return max(0.0, self._seconds - self.spent)

    def over(self) -> bool:
        """Whether nothing more should begin."""
        return not self.left

    def deadline(self) -> float:
        """When a trial that begins now has to end, on the clock of `time.perf_counter`."""
        return time.perf_counter() + self.left
