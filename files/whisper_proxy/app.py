"""The application: its routes and the objects that live as long as the process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from . import access, health, middleware, models, page, pool_app, transcriptions
from .admission import AdmissionQueue
from .api_key import ApiKey
from .client_secrets import ClientSecrets
from .connections import Connections, descriptors, max_connections, max_uploads
from .decode import Decoder
from .decode_queue import DecodeQueue
from .dispatch import Dispatcher
from .drain import InFlight
from .gpu import Gpu
from .gpu_sensors import Sensors
from .idle import IdleStop
from .inference import Inferences
from .keys import (
    ADMISSION,
    API_KEY,
    CLIENT_SECRETS,
    CONNECTIONS,
    DECODER,
    DISPATCH,
    ENCRYPTION,
    GPU_SENSORS,
    IDLE_STOP,
    IN_FLIGHT,
    LIVE_SESSIONS,
    METRICS,
    NOTIFIER,
    OWN_NAMES,
    SELF_CHECK,
    SETTINGS,
    SPOOLS,
    TRANSCRIBER,
    UPSTREAM_MONITOR,
    WHISPER_METRICS,
)
from .live_sessions import LiveSessions
from .metrics import Metrics
from .names import OwnNames
from .notify import Notifier
from .realtime_work import Local
from .restart import Restarter
from .routes import Handlers, add_routes
from .self_check import SelfCheck
from .settings import Settings
from .spool import SpoolBudget
from .tls import Encryption
from .upstream import Upstream, open_session
from .upstream_monitor import UpstreamMonitor

HANDLERS = Handlers(
    root=page.root,
    health=health.health,
    status=health.status,
    metrics=health.metrics,
    models=models.models,
    model=models.model,
    transcribe=transcriptions.transcribe,
    translate=transcriptions.translate,
)


def create_app(settings: Settings, notifier: Notifier | None = None) -> web.Application:
    """Return the application. Only its routes reach whisper-server, or a pool."""
    app = web.Application(middlewares=[middleware.observe, access.guard])
    app[SETTINGS] = settings
    app[NOTIFIER] = notifier or Notifier({})
    app[API_KEY] = ApiKey(settings.api_key_file)
    if settings.tls:
        app[ENCRYPTION] = Encryption(settings.tls, settings.idle_timeout)
    app[OWN_NAMES] = OwnNames(frozenset((settings.host, *settings.names)))
    app[IN_FLIGHT] = InFlight()
    app[CLIENT_SECRETS] = ClientSecrets(app[API_KEY])
    app[LIVE_SESSIONS] = LiveSessions(settings.live_sessions)
    limit = max_connections(descriptors(), max_inferences(settings))
    app[CONNECTIONS] = Connections(limit, settings.idle_timeout)
    app[SPOOLS] = SpoolBudget(settings.spool_bytes, max_uploads(limit))
    if settings.gpu_device:
        app[GPU_SENSORS] = Sensors(Path(settings.gpu_device))
    app[SELF_CHECK] = SelfCheck(decodes=not settings.pool)
    app.cleanup_ctx.append(_self_check)
    app.on_shutdown.append(_end_live_sessions)
    app.on_response_prepare.extend([middleware.on_prepare, access.on_prepare])
    if settings.pool:
        pool_app.set_up(app)
    else:
        _set_up(app)
    if settings.page:
        page.add_routes(app.router)
    return app


def max_inferences(settings: Settings) -> int:
    """Return for how many requests connections may be open at a time to what computes."""
    return settings.queue + pool_app.MOST_SLOTS if settings.pool else settings.concurrency


def _set_up(app: web.Application) -> None:
    """Have whisper-server do the work."""
    settings = app[SETTINGS]
    app[METRICS] = app[WHISPER_METRICS] = metrics = Metrics()
    app[ADMISSION] = AdmissionQueue(settings.concurrency, settings.queue, settings.max_wait)
    decode_queue = DecodeQueue(settings.queue, settings.max_wait)
    app[DECODER] = Decoder(
        decode_queue, metrics, app[SPOOLS].output, app[ADMISSION].announced, app[SELF_CHECK]
    )
    app.cleanup_ctx.append(_upstream)
    add_routes(app.router, HANDLERS)


async def _upstream(app: web.Application) -> AsyncIterator[None]:
    async with open_session() as session:
        settings = app[SETTINGS]
        upstream = Upstream(
            settings.upstream, session, settings.upstream_path_file, vad=bool(settings.vad)
        )
        gpu = None
        if settings.backend == "hip" or settings.pci:
            gpu = Gpu(Path(settings.kfd), settings.gpu_memory, address=settings.pci)
        admission, metrics = app[ADMISSION], app[WHISPER_METRICS]
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
        app[TRANSCRIBER] = Local(dispatcher, idle_stop, settings)
        await monitor.check()
        running = [asyncio.create_task(one.run()) for one in (monitor, idle_stop)]
        yield
        for task in running:
            task.cancel()
        await asyncio.wait(running)  # one may run systemctl
        await idle_stop.close()
        dispatcher.close()
        inferences.close()


async def _end_live_sessions(app: web.Application) -> None:
    app[IN_FLIGHT].stopping.set()


async def _self_check(app: web.Application) -> AsyncIterator[None]:
    checking = asyncio.create_task(app[SELF_CHECK].run())
    yield
    checking.cancel()
    await asyncio.wait([checking])  # it ends its decoder
