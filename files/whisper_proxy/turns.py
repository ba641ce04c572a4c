"""Turns for the GPU: first come, first served, and no more waiting than makes sense."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .errors import ApiError

RECENT = 16
MAX_RETRY_SECONDS = 60


class Turns:
    """A bounded queue in front of `concurrency` turns.

    running and waiting are counts of requests.
    """

    def __init__(self, concurrency: int, limit: int, max_wait: float) -> None:
        self.limit = limit
        self.running = 0
        self.waiting = 0
        self._concurrency = concurrency
        self._max_wait = max_wait
        self._free = asyncio.Semaphore(concurrency)  # gives its turns in the order of asking
        self._recent: deque[float] = deque(maxlen=RECENT)

    def took(self, seconds: float) -> None:
        """Learn from a turn how long the next ones will take."""
        self._recent.append(seconds)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a turn.

        Raises ApiError 503 at once when the queue is full or the wait is expected to pass
        `max_wait`, and after `max_wait` when it was longer than expected.
        """
        if self._free.locked():
            self._refuse_hopeless()
        await self._wait()
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._free.release()

    async def _wait(self) -> None:
        self.waiting += 1
        try:
            async with asyncio.timeout(self._max_wait):
                await self._free.acquire()
        except TimeoutError:
            raise self._busy("No turn came up in time.") from None
        finally:
            self.waiting -= 1

    def _refuse_hopeless(self) -> None:
        if self.waiting >= self.limit:
            raise self._busy("The queue is full.")
        # Those who run count whole: how far they are is not known.
        if self._mean() * (self.running + self.waiting) / self._concurrency > self._max_wait:
            raise self._busy("The wait would be too long.")

    def _mean(self) -> float:
        return sum(self._recent) / len(self._recent) if self._recent else 0.0

    def _busy(self, reason: str) -> ApiError:
        # By then a turn has ended. To VoiceMode a 429 would be final, so it is a 503.
        seconds = min(MAX_RETRY_SECONDS, max(1, math.ceil(self._mean() / self._concurrency)))
        headers = {"Retry-After": str(seconds)}
        return ApiError(503, f"{reason} Try again.", code="overloaded", headers=headers)
