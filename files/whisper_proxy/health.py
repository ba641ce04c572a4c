"""Whether the proxy is here, how it is, and its numbers."""

import time
from typing import Literal

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from . import __version__
from .keys import METRICS, SETTINGS, TURNS, WATCH
from .watch import Watch

HEALTHY = {"ready", "busy"}


async def root(_: web.Request) -> web.Response:
    """Answer 200 to those who only ask whether something is here."""
    return web.Response(text="whisper proxy: POST /v1/audio/transcriptions\n")


async def health(request: web.Request) -> web.Response:
    """Answer 200 when requests are taken, 503 when not: from memory, so at once.

    status is "ok"; "degraded" while whisper-server is away, and not for longer than a request
    waits for it; "unavailable" after that, or when it says itself that it is ill. queue counts
    requests.
    """
    settings, turns, watch = request.app[SETTINGS], request.app[TURNS], request.app[WATCH]
    status = _status(watch, settings.max_wait)
    body = {
        "status": status,
        "whisper_server": watch.state,
        "model": settings.model,
        "backend": settings.backend or None,
        "device": settings.device or None,
        "whisper_version": settings.whisper_version or None,
        "version": __version__,
        "queue": {"running": turns.running, "waiting": turns.waiting, "limit": turns.limit},
    }
    return web.json_response(body, status=503 if status == "unavailable" else 200)


def _status(watch: Watch, max_wait: float) -> Literal["ok", "degraded", "unavailable"]:
    if watch.state in HEALTHY:
        return "ok"
    away = watch.away_since
    if away is not None and time.monotonic() - away < max_wait:
        return "degraded"
    return "unavailable"


async def metrics(request: web.Request) -> web.Response:
    """Answer in Prometheus's text format."""
    numbers, turns = request.app[METRICS], request.app[TURNS]
    numbers.running.set(turns.running)
    numbers.waiting.set(turns.waiting)
    numbers.up.set(request.app[WATCH].state in HEALTHY)
    body = generate_latest(numbers.registry)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
