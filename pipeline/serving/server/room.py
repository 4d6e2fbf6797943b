"""How many pixels may be decoded in memory at the same time, over all requests."""

from __future__ import annotations

import asyncio


class Room:
    """Pixels that are free. Those who wait for some get them in the order in which they came."""

    def __init__(self, pixels: int):
        """Start with so many free pixels."""
        self._free = pixels
        self._turn = asyncio.Lock()  # which is fair
        self._more = asyncio.Event()

    async def take(self, pixels: int) -> None:
        """Wait until an image of so many pixels has room; it may not be larger than all of the room."""
        async with self._turn:
            while pixels > self._free:
                self._more.clear()
                await self._more.wait()
            self._free -= pixels

    def give_back(self, pixels: int) -> None:
        """Free what was taken."""
        self._free += pixels
        self._more.set()
