"""The application: its routes and the objects that live as long as the process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from . import access, health, middleware, models, transcriptions
from .admission import AdmissionQueue
from .connections import descriptors, max_connections, max_uploads
from .decode import Decoder
from .dispatch import Dispatcher
from .drain import InFlight
from .gpu import Gpu
from .keys import (
    ADMISSION,
    DECODER,
    DISPATCH,
    IN_FLIGHT,
    METRICS,
    SETTINGS,
    SPOOLS,
    UPSTREAM_MONITOR,
)
from .metrics import Metrics
from .settings import Settings
from .spool import SpoolBudget
from .upstream import Upstream, open_session
from .upstream_monitor import UpstreamMonitor


def create_app(settings: Settings) -> web.Application:
    """Return the application. Only these routes reach whisper-server."""
    app = web.Application(middlewares=[middleware.observe, access.guard])
    app[SETTINGS] = settings
    app[IN_FLIGHT] = InFlight()
    app[METRICS] = Metrics()
    connections = max_connections(descriptors(), settings.concurrency)
    app[SPOOLS] = SpoolBudget(settings.spool_bytes, max_uploads(connections))
    app[DECODER] = Decoder(app[SPOOLS].output)
    app[ADMISSION] = AdmissionQueue(settings.concurrency, settings.queue, settings.max_wait)
    app.cleanup_ctx.append(_upstream)
    app.on_response_prepare.extend([middleware.on_prepare, access.on_prepare])
    app.router.add_get("/", health.root)
    app.router.add_get("/health", health.health)
    app.router.add_get("/metrics", health.metrics)
    app.router.add_get("/v1/models", models.models)
    app.router.add_get("/v1/models/{name:.+}", models.model)
    app.router.add_post("/v1/audio/transcriptions", transcriptions.transcribe)
    app.router.add_post("/v1/audio/translations", transcriptions.translate)
    return app


async def _upstream(app: web.Application) -> AsyncIterator[None]:
    async with open_session() as session:
        settings = app[SETTINGS]
        upstream = Upstream(settings.upstream, session)
        gpu = Gpu(Path(settings.kfd), settings.gpu_memory) if settings.backend == "hip" else None
        app[UPSTREAM_MONITOR] = monitor = UpstreamMonitor(upstream, gpu)
        app[DISPATCH] = Dispatcher(
            upstream, app[ADMISSION], monitor, app[METRICS], settings.max_wait
        )
        await monitor.check()
        monitoring = asyncio.create_task(monitor.run())
        yield
        monitoring.cancel()
