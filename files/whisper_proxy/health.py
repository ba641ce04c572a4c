"""Whether the proxy is here, how it is, and its numbers."""

import math
import time
from typing import Literal

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from . import __version__
from .keys import METRICS, SETTINGS, TURNS, WATCH
from .watch import Watch

Status = Literal["ok", "degraded", "unavailable"]

AWAY = "whisper-server is away and requests wait for it."
ILL = "whisper-server is away or ill."
ON_CPU = (
    "whisper-server runs on the CPU, asked for was the GPU; "
    "`pyinfra inventory.py tasks/doctor.py` says why."
)
# What the gauge shows: an alert on 0 must not fire where nothing tells.
GPU_IN_USE = {"gpu": 1.0, "cpu": 0.0, None: math.nan}


async def root(_: web.Request) -> web.Response:
    """Answer 200 to those who only ask whether something is here."""
    return web.Response(text="whisper proxy: POST /v1/audio/transcriptions\n")


async def health(request: web.Request) -> web.Response:
    """Answer 200 when requests are taken, 503 when not: from memory, so at once.

    status is "ok"; "degraded" while whisper-server is away, and not for longer than a request
    waits for it, or while it runs on the CPU though the GPU was asked for; "unavailable" when it
    is away for longer, or says itself that it is ill. reason tells which of these, in_use what it
    runs on, null where that is not known. queue counts requests.
    """
    settings, turns, watch = request.app[SETTINGS], request.app[TURNS], request.app[WATCH]
    status, reason = _condition(watch, settings.max_wait)
    body = {
        "status": status,
        "reason": reason,
        "whisper_server": watch.state,
        "model": settings.model,
        "backend": settings.backend or None,
        "in_use": watch.in_use,
        "device": settings.device or None,
        "whisper_version": settings.whisper_version or None,
        "version": __version__,
        "queue": {"running": turns.running, "waiting": turns.waiting, "limit": turns.limit},
    }
    return web.json_response(body, status=503 if status == "unavailable" else 200)


def _condition(watch: Watch, max_wait: float) -> tuple[Status, str | None]:
    if watch.healthy:
        return ("degraded", ON_CPU) if watch.in_use == "cpu" else ("ok", None)
    away = watch.away_since
    if away is not None and time.monotonic() - away < max_wait:
        return "degraded", AWAY
    return "unavailable", ILL


async def metrics(request: web.Request) -> web.Response:
    """Answer in Prometheus's text format."""
    numbers, turns, watch = request.app[METRICS], request.app[TURNS], request.app[WATCH]
    numbers.running.set(turns.running)
    numbers.waiting.set(turns.waiting)
    numbers.up.set(watch.healthy)
    numbers.gpu.set(GPU_IN_USE[watch.in_use])
    body = generate_latest(numbers.registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
