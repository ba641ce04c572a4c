"""What whisper-server is doing, known without asking it: /health must never wait for it."""

import asyncio
import time

from .upstream import State, Upstream

POLL_SECONDS = 1.0


class Watch:
    """The last known state.

    away_since: when whisper-server was first found unreachable, on the monotonic clock; None while
    it is there.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self.state: State = "unreachable"
        self.away_since: float | None = None

    def saw(self, state: State) -> None:
        """Take note of a state."""
        self.state = state
        if state != "unreachable":
            self.away_since = None
        elif self.away_since is None:
            self.away_since = time.monotonic()

    async def look(self) -> None:
        """Ask whisper-server once."""
        self.saw(await self._upstream.state())

    async def run(self) -> None:
        """Ask whisper-server again and again."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.look()
