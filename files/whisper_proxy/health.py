"""GET /, /health and /metrics."""

import math
import time
from typing import Literal

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from . import __version__
from .keys import ADMISSION, DECODER, METRICS, SETTINGS, UPSTREAM_MONITOR
from .upstream_monitor import UpstreamMonitor

Status = Literal["ok", "degraded", "unavailable"]

UNREACHABLE = "whisper-server is away and requests wait for it."
UNHEALTHY = "whisper-server is away or ill."
ON_CPU = (
    "whisper-server runs on the CPU, asked for was the GPU; "
    "`pyinfra inventory.py tasks/doctor.py` says why."
)
# The gauge's values. Unknown is NaN, so that an alert on 0 does not fire.
GPU_IN_USE = {"gpu": 1.0, "cpu": 0.0, None: math.nan}


async def root(_: web.Request) -> web.Response:
    """Answer 200, for clients that only check whether the server is up."""
    return web.Response(text="whisper proxy: POST /v1/audio/transcriptions\n")


async def health(request: web.Request) -> web.Response:
    """Answer 200 if requests are accepted, otherwise 503. Does not ask whisper-server, so is fast.

    status: "ok"; "degraded" if whisper-server has been unreachable for less time than a request
    waits for it, or runs on the CPU although the GPU was requested; "unavailable" if it has been
    unreachable for longer, or reports a failure itself. reason: which of these it is. in_use: what
    whisper-server runs on, null if unknown. queue, decoding: counts of requests.
    """
    settings = request.app[SETTINGS]
    admission, monitor = request.app[ADMISSION], request.app[UPSTREAM_MONITOR]
    decoding = request.app[DECODER].queue
    status, reason = _status(monitor, settings.max_wait)
    body = {
        "status": status,
        "reason": reason,
        "whisper_server": monitor.state,
        "model": settings.model,
        "backend": settings.backend or None,
        "in_use": monitor.in_use,
        "device": settings.device or None,
        "whisper_version": settings.whisper_version or None,
        "version": __version__,
        "queue": {
            "running": admission.running,
            "waiting": admission.waiting,
            "limit": admission.limit,
        },
        "decoding": {
            "running": decoding.running,
            "waiting": decoding.waiting,
            "limit": decoding.limit,
        },
    }
    return web.json_response(body, status=503 if status == "unavailable" else 200)


def _status(monitor: UpstreamMonitor, max_wait: float) -> tuple[Status, str | None]:
    if monitor.healthy:
        return ("degraded", ON_CPU) if monitor.in_use == "cpu" else ("ok", None)
    since = monitor.unreachable_since
    if since is not None and time.monotonic() - since < max_wait:
        return "degraded", UNREACHABLE
    return "unavailable", UNHEALTHY


async def metrics(request: web.Request) -> web.Response:
    """Answer in the Prometheus text format."""
    numbers = request.app[METRICS]
    admission, monitor = request.app[ADMISSION], request.app[UPSTREAM_MONITOR]
    numbers.running.set(admission.running)
    numbers.waiting.set(admission.waiting)
    numbers.decoding_running.set(request.app[DECODER].queue.running)
    numbers.decoding_waiting.set(request.app[DECODER].queue.waiting)
    numbers.up.set(monitor.healthy)
    numbers.gpu.set(GPU_IN_USE[monitor.in_use])
    body = generate_latest(numbers.registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
