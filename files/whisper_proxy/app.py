"""The application: its routes and the objects that live as long as the process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from . import access, health, middleware, models, transcriptions
from .admission import AdmissionQueue
from .api_key import ApiKey
from .decode import Decoder
from .dispatch import Dispatcher
from .drain import InFlight
from .gpu import Gpu
from .keys import (
    ADMISSION,
    API_KEY,
    DECODER,
    DISPATCH,
    IN_FLIGHT,
    METRICS,
    OWN_NAMES,
    SETTINGS,
    UPSTREAM_MONITOR,
)
from .metrics import Metrics
from .names import OwnNames
from .settings import Settings
from .upstream import Upstream, open_session
from .upstream_monitor import UpstreamMonitor


def create_app(settings: Settings) -> web.Application:
    """Return the application. Only these routes reach whisper-server."""
    app = web.Application(middlewares=[middleware.observe, access.guard])
    app[SETTINGS] = settings
    app[API_KEY] = ApiKey(settings.api_key_file)
    app[OWN_NAMES] = OwnNames(frozenset((settings.host, *settings.names)))
    app[IN_FLIGHT] = InFlight()
    app[METRICS] = Metrics()
    app[DECODER] = Decoder()
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
        upstream = Upstream(settings.upstream, session, settings.upstream_path_file)
        gpu = Gpu(Path(settings.kfd), settings.gpu_memory) if settings.backend == "hip" else None
        app[UPSTREAM_MONITOR] = monitor = UpstreamMonitor(upstream, gpu)
        app[DISPATCH] = Dispatcher(
            upstream, app[ADMISSION], monitor, app[METRICS], settings.max_wait
        )
        await monitor.check()
        monitoring = asyncio.create_task(monitor.run())
        yield
        monitoring.cancel()
