"""Stops a whisper-server that nobody asks, and starts it for the next request.

While it runs, whisper-server holds its model in memory and a context on the GPU, with which some
cards never rest. Only the end of the process frees both.
"""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .admission import AdmissionQueue
from .metrics import Metrics
from .notify import Notifier
from .restart import Restarter
from .upstream_monitor import UpstreamMonitor

LOG = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
WAKE_POLL_SECONDS = 0.05
# How the status begins that systemd is told: the deploy knows by it why the service does not run.
IDLE = "whisper-server is idle"


class IdleStop:
    """Stops whisper-server when nothing was asked for `seconds`; never if that is 0.

    wake_seconds: in how many it was ready again when it was last started for a request, None before
    that.
    """

    def __init__(
        self,
        seconds: int,
        restarter: Restarter,
        monitor: UpstreamMonitor,
        admission: AdmissionQueue,
        metrics: Metrics,
        notifier: Notifier,
    ) -> None:
        self._seconds = seconds
        self._restarter = restarter
        self._monitor = monitor
        self._admission = admission
        self._metrics = metrics
        self._notifier = notifier
        self._requests = 0
        self._active_at = time.monotonic()  # when it was last known to be of use
        self._status = ""
        self._woken_at: float | None = None  # until it is ready
        self._lock = asyncio.Lock()  # a start never overtakes a stop
        self._waking: asyncio.Task[None] | None = None
        self.wake_seconds: float | None = None

    @contextmanager
    def request(self) -> Iterator[None]:
        """Have whisper-server run for a request, from its first bytes to its answer."""
        self._requests += 1
        self._wake_if_idle()
        try:
            yield
        finally:
            self._requests -= 1
            self._active_at = time.monotonic()
            self._record_wake()

    def _wake_if_idle(self) -> None:
        if self._monitor.idle and (self._waking is None or self._waking.done()):
            self._waking = asyncio.create_task(self._wake())

    async def _wake(self) -> None:
        began = time.monotonic()
        async with self._lock:
            if not self._monitor.idle:  # it could not be stopped, or somebody else has started it
                return
            if not await self._restarter.start():
                return
            self._monitor.record_starting()
        self._tell()
        self._woken_at = began
        # More often than the monitor asks, as it is measured.
        while self._requests and self._woken_at is not None:
            await asyncio.sleep(WAKE_POLL_SECONDS)
            await self._monitor.check()
            self._record_wake()
        self._woken_at = None

    def _record_wake(self) -> None:
        if self._woken_at is None or self._monitor.state != "ready":
            return
        self.wake_seconds = round(time.monotonic() - self._woken_at, 2)
        self._woken_at = None
        self._metrics.wake_seconds.observe(self.wake_seconds)
        LOG.info("whisper-server was started for a request: seconds=%.2f", self.wake_seconds)

    async def check(self) -> None:
        """Stop whisper-server if it is time; start it if it could not be started for a request."""
        if self._requests:
            self._wake_if_idle()
        if self._in_use():
            self._active_at = time.monotonic()
        elif time.monotonic() - self._active_at >= self._seconds:
            await self._stop()
        self._tell()

    def _in_use(self) -> bool:
        """Whether it has something to do, or is not what can be stopped: away, busy or ill."""
        return bool(self._requests or self._admission.running or self._monitor.state != "ready")

    async def _stop(self) -> None:
        async with self._lock:
            self._monitor.record_stopping()
            self._tell()  # first: who finds it stopped is to find out why
            LOG.info("whisper-server is stopped: idle_seconds=%d", self._seconds)
            if await self._restarter.stop():
                self._monitor.record_stopped()
                return
            # Whatever has become of it, it ran before and is to run.
            await self._restarter.start()
            self._monitor.record_starting()
            self._active_at = time.monotonic()

    def _tell(self) -> None:
        """Tell systemd, for `systemctl status` and the deploy, if it is another status."""
        status = idle_status(self._seconds) if self._monitor.idle else ""
        if status != self._status:
            self._notifier.send(f"STATUS={status}")
            self._status = status

    async def run(self) -> None:
        """Check periodically until cancelled."""
        while self._seconds:
            await asyncio.sleep(CHECK_SECONDS)
            await self.check()

    async def close(self) -> None:
        """End what waits for a whisper-server that is started."""
        if self._waking:
            self._waking.cancel()
            await asyncio.wait([self._waking])


def idle_status(seconds: int) -> str:
    """Return what `systemctl status` shows while it is stopped."""
    after = f"it was stopped after {_duration(seconds)} without requests"
    return f"{IDLE}: {after}; the next one starts it"


def _duration(seconds: int) -> str:
    parts = ((seconds // 3600, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
