"""The state of whisper-server, polled in the background so that /health never waits for it."""

import asyncio
import time

from .gpu import Gpu, Processor
from .upstream import State, Upstream

POLL_SECONDS = 1.0
HEALTHY = {"ready", "busy"}


class UpstreamMonitor:
    """The last known state of whisper-server.

    unreachable_since: when it was first found unreachable, on the monotonic clock; None while it
    can be reached.
    in_use: what a healthy whisper-server runs on; None if that is unknown or no GPU was
    requested.
    """

    def __init__(self, upstream: Upstream, gpu: Gpu | None = None) -> None:
        self._upstream = upstream
        self._gpu = gpu
        self.state: State = "unreachable"
        self.unreachable_since: float | None = None
        self.in_use: Processor | None = None

    @property
    def healthy(self) -> bool:
        """Whether whisper-server can take requests."""
        return self.state in HEALTHY

    def record(self, state: State) -> None:
        """Record an observed state."""
        self.state = state
        if state != "unreachable":
            self.unreachable_since = None
        elif self.unreachable_since is None:
            self.unreachable_since = time.monotonic()
        if not self.healthy:
            self.in_use = None

    async def check(self) -> None:
        """Ask whisper-server for its state once, and the kernel what it runs on."""
        pids = self._gpu.server_pids() if self._gpu else set()
        self.record(await self._upstream.state())
        if self._gpu and self.healthy:
            self.in_use = self._gpu.in_use(pids)

    async def run(self) -> None:
        """Check periodically until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.check()
