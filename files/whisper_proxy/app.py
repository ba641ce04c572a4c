"""The application: its routes and the objects that live as long as the process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from . import access, health, middleware, models, transcriptions
from .admission import AdmissionQueue
from .api_key import ApiKey
from .connections import Connections, descriptors, max_connections, max_uploads
from .decode import Decoder
from .decode_queue import DecodeQueue
from .dispatch import Dispatcher
from .drain import InFlight
from .gpu import Gpu
from .idle import IdleStop
from .inference import Inferences
from .keys import (
    ADMISSION,
    API_KEY,
    CONNECTIONS,
    DECODER,
    DISPATCH,
    ENCRYPTION,
    IDLE_STOP,
    IN_FLIGHT,
    METRICS,
    NOTIFIER,
    OWN_NAMES,
    SELF_CHECK,
    SETTINGS,
    SPOOLS,
    UPSTREAM_MONITOR,
)
from .metrics import Metrics
from .names import OwnNames
from .notify import Notifier
from .restart import Restarter
from .self_check import SelfCheck
from .settings import Settings
from .spool import SpoolBudget
from .tls import Encryption
from .upstream import Upstream, open_session
from .upstream_monitor import UpstreamMonitor

# Any base address will do: with /v1, without it or with it twice, another service's (/openai/v1),
# one with a slash too many. It is what people get wrong most often.
BASE, SLASH = "/{base:(?:.*/)?}", "{slash:/*}"


def create_app(settings: Settings, notifier: Notifier | None = None) -> web.Application:
    """Return the application. Only these routes reach whisper-server."""
    app = web.Application(middlewares=[middleware.observe, access.guard])
    app[SETTINGS] = settings
    app[NOTIFIER] = notifier or Notifier({})
    app[API_KEY] = ApiKey(settings.api_key_file)
    if settings.tls:
        app[ENCRYPTION] = Encryption(settings.tls, settings.idle_timeout)
    app[OWN_NAMES] = OwnNames(frozenset((settings.host, *settings.names)))
    app[IN_FLIGHT] = InFlight()
    app[METRICS] = Metrics()
    limit = max_connections(descriptors(), settings.concurrency)
    app[CONNECTIONS] = Connections(limit, settings.idle_timeout)
    app[SPOOLS] = SpoolBudget(settings.spool_bytes, max_uploads(limit))
    app[ADMISSION] = AdmissionQueue(settings.concurrency, settings.queue, settings.max_wait)
    decode_queue = DecodeQueue(settings.queue, settings.max_wait)
    app[SELF_CHECK] = check = SelfCheck()
    app[DECODER] = Decoder(
        decode_queue, app[METRICS], app[SPOOLS].output, app[ADMISSION].announced, check
    )
    app.cleanup_ctx.extend([_upstream, _self_check])
    app.on_response_prepare.extend([middleware.on_prepare, access.on_prepare])
    app.router.add_get("/", health.root)
    app.router.add_get("/health", health.health)
    app.router.add_get("/metrics", health.metrics)
    app.router.add_get(f"{BASE}models{SLASH}", models.models)
    app.router.add_get(f"{BASE}models/{{name:.+}}", models.model)
    app.router.add_post(f"{BASE}audio/transcriptions{SLASH}", transcriptions.transcribe)
    app.router.add_post(f"{BASE}audio/translations{SLASH}", transcriptions.translate)
    return app


async def _upstream(app: web.Application) -> AsyncIterator[None]:
    async with open_session() as session:
        settings = app[SETTINGS]
        upstream = Upstream(
            settings.upstream, session, settings.upstream_path_file, vad=bool(settings.vad)
        )
        gpu = None
        if settings.backend == "hip" or settings.pci:
            gpu = Gpu(Path(settings.kfd), settings.gpu_memory, address=settings.pci)
        admission, metrics = app[ADMISSION], app[METRICS]
        # Only a GPU may be missing after a restart.
        cost = None if settings.backend == "cpu" else admission.cost
        app[UPSTREAM_MONITOR] = monitor = UpstreamMonitor(upstream, gpu, cost)
        restarter = Restarter(settings.upstream_unit)
        inferences = Inferences(upstream, admission, monitor, metrics, restarter)
        app[DISPATCH] = dispatcher = Dispatcher(
            inferences, admission, monitor, metrics, settings.max_wait
        )
        app[IDLE_STOP] = idle_stop = IdleStop(
            settings.idle_stop, restarter, monitor, admission, metrics, app[NOTIFIER]
        )
        await monitor.check()
        running = [asyncio.create_task(one.run()) for one in (monitor, idle_stop)]
        yield
        for task in running:
            task.cancel()
        await asyncio.wait(running)  # one may run systemctl
        await idle_stop.close()
        dispatcher.close()
        inferences.close()


async def _self_check(app: web.Application) -> AsyncIterator[None]:
    checking = asyncio.create_task(app[SELF_CHECK].run())
    yield
    checking.cancel()
    await asyncio.wait([checking])  # it ends its decoder
