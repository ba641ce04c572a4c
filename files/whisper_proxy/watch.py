"""What whisper-server is doing, known without asking it: /health must never wait for it."""

import asyncio
import time

from .gpu import Gpu, Processor
from .upstream import State, Upstream

POLL_SECONDS = 1.0
HEALTHY = {"ready", "busy"}


class Watch:
    """The last known state.

    away_since: when whisper-server was first found unreachable, on the monotonic clock; None while
    it is there.
    in_use: what it runs on while it is healthy; None where nothing tells, and where no GPU was
    asked for.
    """

    def __init__(self, upstream: Upstream, gpu: Gpu | None = None) -> None:
        self._upstream = upstream
        self._gpu = gpu
        self.state: State = "unreachable"
        self.away_since: float | None = None
        self.in_use: Processor | None = None

    @property
    def healthy(self) -> bool:
        """Whether whisper-server can take requests."""
        return self.state in HEALTHY

    def saw(self, state: State) -> None:
        """Take note of a state."""
        self.state = state
        if state != "unreachable":
            self.away_since = None
        elif self.away_since is None:
            self.away_since = time.monotonic()
        if not self.healthy:
            self.in_use = None

    async def look(self) -> None:
        """Ask whisper-server once, and the kernel what it runs on."""
        pids = self._gpu.server_pids() if self._gpu else set()
        self.saw(await self._upstream.state())
        if self._gpu and self.healthy:
            self.in_use = self._gpu.in_use(pids)

    async def run(self) -> None:
        """Ask whisper-server again and again."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.look()
