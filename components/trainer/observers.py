"""Who watches trainings of this process while they run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol


class Observer(Protocol):
    """Is told of each training, in the thread that trains."""

    def training_began(self) -> None:
        """A training begins; TFX's cache does not have it."""

    def epoch_ended(self, row: dict[str, Any]) -> None:
        """An epoch has ended; `row` is a row of the history. The search for settings is not told."""


_observers: list[Observer] = []


@contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """While this lasts, the observer is told."""
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


def training_began() -> None:
    """Tell the observers."""
    for one in _observers:
        one.training_began()


def epoch_ended(row: dict[str, Any]) -> None:
    """Tell the observers."""
    for one in _observers:
        one.epoch_ended(row)
