"""GET / of programs, /health, /status and /metrics."""

import math
import time
from collections.abc import Sequence
from typing import Any, Literal, Protocol

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from . import __version__
from .admission import AdmissionQueue
from .keys import (
    ADMISSION,
    DECODER,
    ENCRYPTION,
    IDLE_STOP,
    LIVE_SESSIONS,
    SELF_CHECK,
    SETTINGS,
    SPOOLS,
    UPSTREAM_MONITOR,
    WHISPER_METRICS,
)
from .metrics import CommonMetrics
from .self_check import Part
from .spool import SpoolBudget
from .status import details
from .upstream_monitor import UpstreamMonitor

Status = Literal["ok", "degraded", "unavailable"]
BrokenPart = Part | Literal["certificate"]

UNREACHABLE = "whisper-server is away and requests wait for it."
RESTARTED = "whisper-server hung and was restarted; requests wait for it."
HUNG = (
    "whisper-server hangs: an inference got no answer. "
    "`systemctl --user kill -s KILL voicemode-whisper` restarts it."
)
OVERDUE = "An inference takes far longer than expected; whisper-server may hang."
UNHEALTHY = "whisper-server is away or ill."
ON_CPU = (
    "whisper-server runs on the CPU, asked for was the GPU; "
    "`pyinfra inventory.py tasks/doctor.py` says why."
)
SPOOL_FULL = "There is no room for more large uploads, or too many are under way."
BROKEN: dict[BrokenPart, str] = {
    "certificate": "The certificate's files cannot be used, and the one of before is; "
    "`pyinfra inventory.py tasks/doctor.py` says why.",
    "decoder": "ffmpeg is missing or broken, so that only WAV of 16 kHz, mono, 16-bit PCM is "
    "transcribed; `pyinfra inventory.py tasks/doctor.py` says why.",
    "spool": "Uploads above half a megabyte cannot be kept; "
    "`pyinfra inventory.py tasks/doctor.py` says why.",
}
# The gauge's values. Unknown is NaN, so that an alert on 0 does not fire.
GPU_IN_USE = {"gpu": 1.0, "cpu": 0.0, None: math.nan}


class Queue(Protocol):
    """What has to be known of a queue."""

    @property
    def limit(self) -> int:
        """How many requests may wait in it."""

    @property
    def running(self) -> int:
        """How many have a turn."""

    @property
    def waiting(self) -> int:
        """How many wait for one."""


async def root(_: web.Request) -> web.Response:
    """Answer 200, for clients that only check whether the server is up."""
    return web.Response(text="whisper proxy: POST /v1/audio/transcriptions\n")


async def health(request: web.Request) -> web.Response:
    """Answer 200 if requests are accepted, otherwise 503. Does not ask whisper-server, so is fast.

    status: "ok"; "degraded" if whisper-server has been unreachable for less time than a request
    waits for it, if an inference is overdue, if it runs on the CPU although the GPU was requested,
    if there is no room for uploads, or a part of the proxy's own is broken; "unavailable" if it has
    been unreachable for longer, hangs and was not restarted, or reports a failure itself. reason:
    which of these it is. A whisper-server that is stopped because it was idle is "ok".

    wake_seconds: how long the last start for a request took, null before the first. in_use: what
    whisper-server runs on, null if unknown. queue, decoding: counts of requests. spool: bytes, and
    uploads. live: sessions. broken: parts of the proxy's own, "decoder", "spool" and "certificate".
    """
    body = described(request.app)
    return web.json_response(body, status=503 if body["status"] == "unavailable" else 200)


async def status(request: web.Request) -> web.Response:
    """Answer what /health says, and how it is used: see `status.details`. Always 200."""
    return web.json_response(described(request.app) | await details(request.app))


def described(app: web.Application) -> dict[str, Any]:
    """Return the body of /health."""
    settings = app[SETTINGS]
    admission, monitor = app[ADMISSION], app[UPSTREAM_MONITOR]
    decoding, spools = app[DECODER].queue, app[SPOOLS]
    status, reason = _status(monitor, settings.max_wait)
    broken = broken_parts(app)
    if status == "ok":
        status, reason = _busy(admission, spools, broken)
    return {
        "status": status,
        "reason": reason,
        "whisper_server": monitor.state,
        "wake_seconds": app[IDLE_STOP].wake_seconds,
        "model": settings.model,
        "backend": settings.backend or None,
        "in_use": monitor.in_use,
        "device": settings.device or None,
        "whisper_version": settings.whisper_version or None,
        "version": __version__,
        "queue": counts(admission),
        "decoding": counts(decoding),
        "spool": room(spools),
        "live": live(app),
        "broken": broken,
    }


def counts(queue: Queue) -> dict[str, int]:
    """Return how many requests a queue has, and how many may wait."""
    return {"running": queue.running, "waiting": queue.waiting, "limit": queue.limit}


def live(app: web.Application) -> dict[str, int]:
    """Return how many live sessions there are, and may be."""
    sessions = app[LIVE_SESSIONS]
    return {"sessions": sessions.open, "limit": sessions.limit}


def room(spools: SpoolBudget) -> dict[str, int]:
    """Return the bytes of spools, and how many uploads are under way."""
    return {"used": spools.used, "limit": spools.limit, "uploads": spools.open}


def broken_parts(app: web.Application) -> list[BrokenPart]:
    """Return which of the proxy's own parts are broken."""
    broken: list[BrokenPart] = [*app[SELF_CHECK].broken]
    encryption = app.get(ENCRYPTION)
    if encryption and encryption.problem:
        broken.append("certificate")
    return broken


def _busy(
    admission: AdmissionQueue, spools: SpoolBudget, broken: Sequence[BrokenPart]
) -> tuple[Status, str | None]:
    return ("degraded", OVERDUE) if admission.overdue else own_status(spools, broken)


def own_status(spools: SpoolBudget, broken: Sequence[BrokenPart]) -> tuple[Status, str | None]:
    """Return how the proxy itself is, and why it is not well."""
    if broken:
        return "degraded", BROKEN[broken[0]]
    return ("degraded", SPOOL_FULL) if spools.full else ("ok", None)


def _status(monitor: UpstreamMonitor, max_wait: float) -> tuple[Status, str | None]:
    if monitor.healthy:
        return ("degraded", ON_CPU) if monitor.in_use == "cpu" else ("ok", None)
    since = monitor.unreachable_since
    if since is not None and time.monotonic() - since < max_wait:
        return "degraded", RESTARTED if monitor.hung else UNREACHABLE
    return "unavailable", HUNG if monitor.state == "hung" else UNHEALTHY


async def metrics(request: web.Request) -> web.Response:
    """Answer in the Prometheus text format."""
    numbers = request.app[WHISPER_METRICS]
    admission, monitor = request.app[ADMISSION], request.app[UPSTREAM_MONITOR]
    numbers.running.set(admission.running)
    numbers.waiting.set(admission.waiting)
    numbers.decoding_running.set(request.app[DECODER].queue.running)
    numbers.decoding_waiting.set(request.app[DECODER].queue.waiting)
    numbers.up.set(monitor.healthy and not admission.overdue)
    numbers.gpu.set(GPU_IN_USE[monitor.in_use])
    return exposed(numbers)


def exposed(numbers: CommonMetrics) -> web.Response:
    """Return metrics in the Prometheus text format."""
    body = generate_latest(numbers.registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
