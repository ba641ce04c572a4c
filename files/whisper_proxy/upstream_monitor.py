"""The state of whisper-server, polled in the background so that /health never waits for it."""

import asyncio
import time
from typing import Literal

from .gpu import Gpu, Processor
from .inference_cost import InferenceCost
from .upstream import State, Upstream

POLL_SECONDS = 1.0
HEALTHY = {"ready", "busy", "idle"}
RUNS = {"ready", "failing"}


class UpstreamMonitor:
    """The last known state of whisper-server.

    hung: an inference got no answer in time, and none has been answered since. Its HTTP threads
    live on, so what it says of itself counts only once it was restarted.
    idle: it is stopped, or is being stopped, because nothing was asked for. So nobody can reach it,
    and nothing is wrong.
    unreachable_since: when it was first found unreachable, on the monotonic clock; None while it
    can be reached.
    in_use: what a healthy whisper-server runs on; None if that is unknown or no GPU was
    requested.
    cost: what inferences cost. Nothing that was measured bounds them when it comes back, until it
    is seen to use the GPU.
    """

    def __init__(
        self, upstream: Upstream, gpu: Gpu | None = None, cost: InferenceCost | None = None
    ) -> None:
        self._upstream = upstream
        self._gpu = gpu
        self._cost = cost or InferenceCost()
        self._polled: State = "unreachable"
        self._stops = 0
        self._stopping = False
        self.hung = False
        self.idle = False
        self.unreachable_since: float | None = None
        self.in_use: Processor | None = None

    @property
    def state(self) -> State | Literal["hung", "idle"]:
        """What it is, for /health."""
        if self.idle:
            return "idle"
        return "hung" if self.hung and self._polled != "unreachable" else self._polled

    @property
    def healthy(self) -> bool:
        """Whether whisper-server can take requests, or will once it is started for one."""
        return self.state in HEALTHY

    def record(self, state: State) -> None:
        """Record a state that was observed.

        Busy is one that takes a connection and does not answer. The kernel takes them for a
        process that is dying too, so it does not show that one is back.

        One that is idle is expected to be unreachable, unless somebody else has started it.
        """
        if self.idle and (self._stopping or state not in RUNS):
            return
        self.idle = False
        if state == "unreachable" or (state == "busy" and self.unreachable_since is not None):
            self._record_unreachable()
            return
        if self.unreachable_since is not None:
            self.hung = False  # it was restarted
        self.unreachable_since = None
        self._polled = state
        if not self.healthy:
            self.in_use = None

    def _record_unreachable(self) -> None:
        self._polled, self.in_use = "unreachable", None
        if self.unreachable_since is None:
            self.unreachable_since = time.monotonic()
            self._cost.distrust()

    def record_stopping(self) -> None:
        """Record that it is being stopped because nothing was asked for."""
        self.idle = self._stopping = True
        self.in_use = None

    def record_stopped(self) -> None:
        """Record that its process has ended, so that any that answers from now on is another."""
        self._stopping = False
        self._stops += 1

    def record_starting(self) -> None:
        """Record that it is being started: from now on requests wait for it."""
        self.idle = self._stopping = False
        self.unreachable_since = None
        self._record_unreachable()

    def record_answer(self) -> None:
        """Record that an inference was answered."""
        self.hung = False
        self.record("ready")

    def record_death(self) -> None:
        """Record that it took a request, and died or was killed."""
        self.unreachable_since = None
        self.record("unreachable")

    def record_hung(self) -> None:
        """Record that it took a request, and that the inference got no answer in time."""
        self.record("ready")
        self.hung = True
        self.in_use = None

    async def check(self) -> None:
        """Ask whisper-server for its state once, and the kernel what it runs on."""
        pids = self._gpu.server_pids() if self._gpu else set()
        stops = self._stops
        state = await self._upstream.state()
        if stops == self._stops:  # otherwise it may be what one said that was stopped meanwhile
            self.record(state)
        if self._gpu and self.healthy and not self.idle:
            self.in_use = self._gpu.in_use(pids)
        if self.in_use == "gpu":
            self._cost.trust()

    async def run(self) -> None:
        """Check periodically until cancelled."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            await self.check()
