"""The application: what is served, and what lives as long as the process."""

from collections.abc import AsyncIterator

from aiohttp import web

from . import handlers, transcriptions
from .keys import SETTINGS, UPSTREAM
from .middleware import observe
from .settings import Settings
from .upstream import Upstream, open_session


def create_app(settings: Settings) -> web.Application:
    """Return the application. Nothing but these routes reaches whisper-server."""
    app = web.Application(middlewares=[observe])
    app[SETTINGS] = settings
    app.cleanup_ctx.append(_upstream)
    app.router.add_get("/", handlers.root)
    app.router.add_get("/health", handlers.health)
    app.router.add_get("/v1/models", handlers.models)
    app.router.add_get("/v1/models/{name:.+}", handlers.model)
    app.router.add_post("/v1/audio/transcriptions", transcriptions.create)
    return app


async def _upstream(app: web.Application) -> AsyncIterator[None]:
    async with open_session() as session:
        app[UPSTREAM] = Upstream(app[SETTINGS].upstream, session)
        yield
