"""Requests in flight, which the process finishes before it stops."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

# How long a connection that was accepted just before the stop has to send its request.
GRACE_SECONDS = 0.3


class InFlight:
    """Counts requests in flight. stopping: the process is to stop, when they have ended."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def draining(self) -> bool:
        """Whether connections are closed after their current request."""
        return self.stopping.is_set()

    @contextmanager
    def track(self) -> Iterator[None]:
        """Count a request as in flight for the duration of the context."""
        self._count += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._idle.set()

    async def drain(self, timeout: float) -> int:
        """Wait up to `timeout` seconds for all requests to end; return how many are left."""
        self.stopping.set()
        try:
            async with asyncio.timeout(timeout):
                await asyncio.sleep(GRACE_SECONDS)
                await self._idle.wait()
        except TimeoutError:
            pass
        return self._count
