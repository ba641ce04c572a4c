"""The requests in flight, which are waited for when the process is to stop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

# A connection that was accepted before the end has this long to send what it came for.
GRACE_SECONDS = 0.3


class InFlight:
    """Counts requests. draining: no connection is to be kept for a next one."""

    def __init__(self) -> None:
        self.draining = False
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one request in."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def drain(self, timeout: float) -> int:
        """Wait until no request is left, `timeout` seconds at most, and return how many are."""
        self.draining = True
        try:
            async with asyncio.timeout(timeout):
                await asyncio.sleep(GRACE_SECONDS)
                await self._none.wait()
        except TimeoutError:
            pass
        return self._count
