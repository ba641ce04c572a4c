"""Admission control for the GPU: a bounded, first-in first-out queue.

It refuses requests that would have to wait too long.
"""

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .errors import ApiError

RECENT = 16  # inferences, for the estimate of the wait
MAX_RETRY_SECONDS = 60


class AdmissionQueue:
    """Admits `concurrency` requests at a time; up to `limit` more may wait.

    running and waiting are counts of requests.
    """

    def __init__(self, concurrency: int, limit: int, max_wait: float) -> None:
        self.limit = limit
        self.running = 0
        self.waiting = 0
        self._concurrency = concurrency
        self._max_wait = max_wait
        self._slots = asyncio.Semaphore(concurrency)  # first in, first out
        self._recent_durations: deque[float] = deque(maxlen=RECENT)

    def record_duration(self, seconds: float) -> None:
        """Record how long an inference took, to estimate the wait for the next ones."""
        self._recent_durations.append(seconds)

    @asynccontextmanager
    async def admitted(self) -> AsyncIterator[None]:
        """Wait for a slot and hold it.

        Raises ApiError 503: at once if the queue is full or the wait is expected to exceed
        `max_wait`; after `max_wait` seconds if the wait was longer than expected.
        """
        if self._slots.locked():
            self._refuse_if_overloaded()
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
            raise self._overloaded("No turn came up in time.") from None
        finally:
            self.waiting -= 1

    def _refuse_if_overloaded(self) -> None:
        if self.waiting >= self.limit:
            raise self._overloaded("The queue is full.")
        if self._expected_wait() > self._max_wait:
            raise self._overloaded("The wait would be too long.")

    def _expected_wait(self) -> float:
        # Running requests count in full, as their progress is unknown.
        return self._mean_duration() * (self.running + self.waiting) / self._concurrency

    def _mean_duration(self) -> float:
        durations = self._recent_durations
        return sum(durations) / len(durations) if durations else 0.0

    def _overloaded(self, reason: str) -> ApiError:
        # A slot should be free by then. 503 and not 429, which VoiceMode does not retry.
        expected = math.ceil(self._mean_duration() / self._concurrency)
        seconds = min(MAX_RETRY_SECONDS, max(1, expected))
        headers = {"Retry-After": str(seconds)}
        return ApiError(503, f"{reason} Try again.", code="overloaded", headers=headers)
