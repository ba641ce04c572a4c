"""A gateway: the application whose work the machines of a pool do."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from . import page, pool_handlers, pool_health
from .keys import METRICS, POOL, POOL_DISPATCH, POOL_METRICS, POOL_MONITOR, SETTINGS, TRANSCRIBER
from .metrics import PoolMetrics
from .pool import RUNTIME_SOCKET, Pool
from .pool_dispatch import PoolDispatcher
from .pool_monitor import PoolMonitor
from .realtime_work import Pooled
from .routes import Handlers, add_routes

# What all members are expected to take together; with more, fewer clients may be connected.
MOST_SLOTS = 128
HANDLERS = Handlers(
    root=page.root,
    health=pool_health.health,
    status=pool_health.status,
    metrics=pool_health.metrics,
    models=pool_handlers.models,
    model=pool_handlers.model,
    transcribe=pool_handlers.transcribe,
    translate=pool_handlers.translate,
)


def set_up(app: web.Application) -> None:
    """Have a pool do the work."""
    app[METRICS] = app[POOL_METRICS] = PoolMetrics()
    app.cleanup_ctx.append(_pool)
    add_routes(app.router, HANDLERS)


async def _pool(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    app[POOL] = pool = Pool(settings.pool, settings.pool_key_file)
    app[POOL_MONITOR] = monitor = PoolMonitor(str(Path(settings.pool, RUNTIME_SOCKET)))
    app[POOL_DISPATCH] = dispatcher = PoolDispatcher(
        pool, monitor, app[POOL_METRICS], settings.queue, settings.max_wait
    )
    app[TRANSCRIBER] = Pooled(dispatcher)
    await monitor.check()
    watching = asyncio.create_task(monitor.run())
    yield
    watching.cancel()
    await asyncio.wait([watching])
    await pool.close()
