"""A bounded, first-in first-out queue for the decoders."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .errors import ApiError

# They share the processors, so that a recording of hours does not hold up one of seconds even on a
# single one.
MAX_PROCESSES = 4
RETRY_AFTER = {"Retry-After": "5"}  # few recordings take longer to decode


class DecodeQueue:
    """Admits MAX_PROCESSES recordings at a time; up to `limit` more may wait, for `max_wait` s.

    running and waiting are counts of recordings.
    """

    def __init__(self, limit: int, max_wait: float) -> None:
        self.limit = limit
        self.running = 0
        self.waiting = 0
        self._max_wait = max_wait
        self._slots = asyncio.Semaphore(MAX_PROCESSES)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot and hold it, or raise ApiError 503."""
        if self._slots.locked() and self.waiting >= self.limit:
            raise overloaded("Too many recordings wait to be decoded.")
        await self._acquire()
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._slots.release()

    async def _acquire(self) -> None:
        self.waiting += 1
        try:
            async with asyncio.timeout(self._max_wait):
                await self._slots.acquire()
        except TimeoutError:
            raise overloaded("No decoder was free in time.") from None
        finally:
            self.waiting -= 1


def overloaded(reason: str) -> ApiError:
    """Return the 503 for a recording that could not be decoded now."""
    return ApiError(503, f"{reason} Try again.", code="overloaded", headers=RETRY_AFTER)
